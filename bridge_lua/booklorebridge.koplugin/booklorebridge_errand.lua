--- What a child process does: asks the core, one request after the other, and tells its parent what came of it.
local Memory = require("booklorebridge_memory")
local Spool = require("booklorebridge_spool")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local Errand = {}
Errand.__index = Errand
local LINES, BYTES = 1000, 900 * 1024 -- under the 1 MiB that many proxies allow

local function send(method, url, text)
    local http = require(url:find("^https:") and "ssl.https" or "socket.http")
    local ltn12, socketutil = require("ltn12"), require("socketutil")
    local token, answer = Memory:readSetting("token"), {}
    socketutil:set_timeout(30, 50)
    local _ok, status = http.request{
        method = method, url = url, redirect = false, -- the token goes nowhere else
        verify = "peer", cafile = Memory:readSetting("ca_file") or "data/ca-bundle.crt",
        headers = {
            ["Content-Type"] = "application/json", ["Content-Length"] = #text,
            ["Authorization"] = token and "Bearer " .. token,
        },
        source = ltn12.source.string(text), sink = socketutil.table_sink(answer),
    }
    return status, table.concat(answer)
end

-- The answer, and its text; else an error that says why: the reason of a refusal is the core's own text.
function Errand:ask(method, path, body)
    local text = type(body) == "table" and rapidjson.encode(body) or body or ""
    self.status, text = send(method, self.url:gsub("/+$", "") .. path, text)
    self.result.reached = type(self.status) == "number"
    local answer = rapidjson.decode(text)
    if type(answer) ~= "table" then answer = {} end
    for _i, effect in ipairs(answer.effects or {}) do table.insert(self.result.effects, effect) end
    self.result.state = answer.state or self.result.state
    if self.status == 200 and next(answer) then return answer, text end
    error(type(answer.detail) == "string" and answer.detail or _("The core does not answer."), 0)
end

-- Trades a six-digit code for this device's token. The code is used up, unless the core could not judge it.
function Errand:pair(code)
    local body = { code = code, device = Memory:readSetting("device") }
    local ok, answer = pcall(self.ask, self, "POST", "/v1/pair", body)
    self.result.used = ok or (self.status ~= 429 and tostring(self.status):find("^4%d%d$") ~= nil)
    if not ok and (self.code or Memory:hasNot("token")) then error(answer, 0) end
    self.result.token = ok and answer.token or nil
    if ok then Memory:saveSetting("token", answer.token) end -- for the requests that follow
end

-- Gives lines to the core, oldest first, and notes the places of those that it has seen. A torn line goes as a text.
function Errand:handOver(lines)
    local parts, seen, size = {}, {}, 0
    for at, line in ipairs(lines) do
        size = size + #line
        if at > LINES or at > 1 and size > BYTES then break end
        parts[at] = type(rapidjson.decode(line)) == "table" and line or rapidjson.encode(line)
    end
    local head = string.format('{"device":%s,"waiting":%d,', rapidjson.encode(Memory:readSetting("device")), #lines)
    local answer = self:ask("POST", "/v1/events", head .. '"lines":[' .. table.concat(parts, ",") .. "]}")
    for _i, id in ipairs(answer.ack) do seen[id] = true end
    for _i, one in ipairs(answer.rejected or {}) do seen[(one.index or -1) + 1] = true end
    for at = 1, #parts do
        if seen[at] or seen[lines[at]:match('^{"v":1,"id":"([^"]+)"')] then table.insert(self.result.seen, at) end
    end
    self.result.more = #lines > #parts
end

function Errand:carryOut()
    local code, enabled, lines = self.code or Memory:readSetting("code"), Memory:nilOrTrue("enabled"), Spool.lines()
    if code then self:pair(code) end
    if #lines > 0 or not enabled then self:handOver(lines) end -- switched off, only an answer tells that it is on again
    if self.result.more then return end
    if Memory:has("untold") then
        self:ask("POST", "/v1/actions/toggle_sync", { args = { enabled = enabled } })
        self.result.told = enabled
    end
    if self.path then self:ask("POST", self.path, self.body) end
    local menu = self.result.state and self.result.state.menu
    if self.code or menu and menu ~= self.menu then self.result.menu = select(2, self:ask("GET", "/v1/menu")) end
end

--- Carries out a wish: `url`, `menu` (the version that is known), and perhaps `code`, or `path` and `body`.
return function(wish)
    wish.result = { effects = rapidjson.array(), seen = rapidjson.array() }
    local ok, err = pcall(Errand.carryOut, setmetatable(wish, Errand))
    wish.result.err = not ok and tostring(err) or nil
    return rapidjson.encode(wish.result)
end
