--- What a child process does: asks the core, one request after the other, and tells its parent what came of it.
local Memory = require("booklorebridge_memory")
local Spool = require("booklorebridge_spool")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local LINES, BYTES = 1000, 900 * 1024 -- under the 1 MiB that many proxies allow
local PATIENCE = 30 -- seconds after which no further lines are begun

local function send(method, url, text)
    local ltn12, socketutil = require("ltn12"), require("socketutil")
    local http = require(url:find("^https:") and "ssl.https" or "socket.http")
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

local Errand = {}
Errand.__index = Errand

-- The answer, and its text; an error that says why there is none. The reason of a refusal is the core's own text.
function Errand:ask(method, path, body)
    local status, text = send(method, self.url .. path, type(body) == "table" and rapidjson.encode(body) or body or "")
    local answer = rapidjson.decode(text)
    local is_table = type(answer) == "table"
    self.result.reached, self.status = type(status) == "number", status
    if status == 200 and is_table then return answer, text end
    error(is_table and type(answer.detail) == "string" and answer.detail or _("The core does not answer."), 0)
end

--- Trades a six-digit code for this device's token. A code is used up unless the core could not judge it.
function Errand:pair(code)
    local body = { code = code, device = Memory:readSetting("device") }
    local ok, answer = pcall(self.ask, self, "POST", "/v1/pair", body)
    self.result.used = ok or (self.status ~= 429 and tostring(self.status):find("^4%d%d$") ~= nil)
    self.result.token = ok and answer.token or nil
    if ok then Memory:saveSetting("token", answer.token) elseif self.code or Memory:hasNot("token") then error(answer, 0) end
end

-- What to show, and how things stand.
function Errand:take(answer)
    for _i, effect in ipairs(answer.effects or {}) do table.insert(self.result.effects, effect) end
    self.result.state = answer.state or self.result.state
end

-- Lines as the body of a request, from the one at `first` on, and where the next request begins.
local function body(lines, first)
    local parts, size, at = {}, 0, first
    while lines[at] and #parts < LINES and (size == 0 or size + #lines[at] < BYTES) do
        local torn = type(rapidjson.decode(lines[at])) ~= "table"
        table.insert(parts, torn and rapidjson.encode(lines[at]) or lines[at])
        size, at = size + #lines[at], at + 1
    end
    local head = { rapidjson.encode(Memory:readSetting("device")), #lines - first + 1, table.concat(parts, ",") }
    return string.format('{"device":%s,"waiting":%d,"lines":[%s]}', unpack(head)), at
end

--- Gives the spool's lines to the core, and notes which of them it has seen, counted from 1.
function Errand:handOver()
    local lines, next_, began = Spool.lines(), 1, os.time()
    repeat
        local first, text = next_
        text, next_ = body(lines, first)
        local answer, seen = self:ask("POST", "/v1/events", text), {}
        for _i, id in ipairs(answer.ack) do seen[id] = true end
        for _i, one in ipairs(answer.rejected or {}) do if one.index then seen[first + one.index] = true end end
        for at = first, next_ - 1 do
            if seen[at] or seen[lines[at]:match('^{"v":1,"id":"([^"]+)"')] then table.insert(self.result.seen, at) end
        end
        self:take(answer)
    until next_ > #lines or os.time() - began > PATIENCE
    self.result.more = next_ <= #lines
end

function Errand:carryOut()
    local code = self.code or Memory:readSetting("code")
    if code then self:pair(code) end
    -- With sync off there are no lines, but only an answer tells that it is on again.
    local enabled = Memory:nilOrTrue("enabled")
    if not self.code and (#Spool.lines() > 0 or not enabled) then self:handOver() end
    if Memory:has("untold") then
        self:take((self:ask("POST", "/v1/actions/toggle_sync", { args = { enabled = enabled } })))
        self.result.told = true
    end
    if self.path then self:take((self:ask("POST", self.path, self.body))) end
    local version = self.result.state and self.result.state.menu
    if self.code or (version and version ~= self.menu) then
        self.result.menu = select(2, self:ask("GET", "/v1/menu"))
    end
end

--- Carries out a wish: `url`, `menu` (the version that is known), and perhaps `code`, or `path` and `body`.
return function(wish)
    wish.result = { effects = rapidjson.array(), seen = rapidjson.array() }
    local ok, err = pcall(Errand.carryOut, setmetatable(wish, Errand))
    wish.result.err = not ok and tostring(err) or nil
    return rapidjson.encode(wish.result)
end
