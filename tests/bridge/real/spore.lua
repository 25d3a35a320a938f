--- A small stand-in for lua-Spore, which a checkout of KOReader lacks: what `KOSyncClient` asks of it, over real HTTP.
local http = require("socket.http")
local json = require("rapidjson")
local ltn12 = require("ltn12")
local url = require("socket.url")

local Client = {}
Client.__index = Client

function Client:reset_middlewares() self.enabled = {} end
function Client:enable(name, args) table.insert(self.enabled, { name = name, args = args or {} }) end

local function request(req, body)
    local parts = {}
    req.source, req.sink = body and ltn12.source.string(body), ltn12.sink.table(parts)
    local _, status, headers = http.request(req)
    return { status = status, headers = type(headers) == "table" and headers or {}, body = table.concat(parts) }
end

local function payloadOf(method, params)
    if not method.payload then return end
    local payload = json.object()
    for _, name in ipairs(method.payload) do payload[name] = params[name] end
    return json.encode(payload)
end

--- Calls as the specification says; a status that it does not expect is raised, and without its body.
function Client:_call(method, params)
    for _, name in ipairs(method.required_params or {}) do
        assert(params[name], name .. " is required")
    end
    local path = method.path:gsub(":([%a_]+)", function(name) return params[name] and url.escape(params[name]) end)
    local req = { url = self.base_url .. path, method = method.method, headers = {} }
    local body = payloadOf(method, params)
    for _, one in ipairs(self.enabled) do
        if one.name == "Format.JSON" then
            req.headers["accept"] = "application/json"
            req.headers["content-type"] = body and "application/json"
        else
            assert(require("Spore.Middleware." .. one.name).call(one.args, req) == nil)
        end
    end
    req.headers["content-length"] = body and #body
    local res = request(req, body)
    if (res.headers["content-type"] or ""):find("application/json", 1, true) then res.body = json.decode(res.body) end
    for _, status in ipairs(method.expected_status) do
        if res.status == status then return res end
    end
    error(setmetatable({ reason = res.status .. " not expected" }, { __tostring = function(self) return self.reason end }))
end

--- file: a specification, whose commas may come before an end. options: base_url.
local function new_from_spec(file, options)
    local from = assert(io.open(file, "rb"))
    local spec = assert(json.decode((from:read("*a"):gsub(",%s*([%]}])", "%1"))))
    from:close()
    local client = setmetatable({ base_url = (options.base_url or spec.base_url):gsub("/$", ""), enabled = {} }, Client)
    for name, method in pairs(spec.methods) do
        client[name] = function(self, params) return self:_call(method, params or {}) end
    end
    return client
end

return { new_from_spec = new_from_spec }
