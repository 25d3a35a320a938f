--- What a child process does: asks the core, one request after the other, and tells its parent what came of it.
local Memory = require("booklorebridge_memory")
local Spool = require("booklorebridge_spool")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local Errand = {}
Errand.__index = Errand
local LINES, BYTES = 1000, 900 * 1024 -- under the 1 MiB that many proxies allow
local PATIENCE = 30 -- seconds after which no further lines are begun

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

-- The answer, and its text; else an error that says why there is none. A refusal's reason is the core's own text.
function Errand:ask(method, path, body)
    local text = type(body) == "table" and rapidjson.encode(body) or body or ""
    self.status, text = send(method, self.url:gsub("/+$", "") .. path, text)
    local answer = rapidjson.decode(text)
    self.result.reached = type(self.status) == "number"
    if type(answer) ~= "table" then answer = {} elseif self.status == 200 then return answer, text end
    error(type(answer.detail) == "string" and answer.detail or _("The core does not answer."), 0)
end

-- Trades a six-digit code for this device's token. The code is used up, unless the core could not judge it.
function Errand:pair(code)
    local device = Memory:readSetting("device")
    local ok, answer = pcall(self.ask, self, "POST", "/v1/pair", { code = code, device = device })
    self.result.used = ok or (self.status ~= 429 and tostring(self.status):find("^4%d%d$") ~= nil)
    self.result.token = ok and answer.token or nil
    if ok then Memory:saveSetting("token", answer.token) end
    if not ok and (self.code or Memory:hasNot("token")) then error(answer, 0) end
end

-- Does what ends in things to show, and in how things stand.
function Errand:post(path, body)
    local answer = self:ask("POST", path, body)
    for _i, effect in ipairs(answer.effects or {}) do table.insert(self.result.effects, effect) end
    self.result.state = answer.state or self.result.state
    return answer
end

-- A request with the lines from the one at `first` on, and where the next one begins. A torn line goes as a text.
local function request(lines, first)
    local parts, size, at = {}, 0, first
    while lines[at] and #parts < LINES and (size == 0 or size + #lines[at] < BYTES) do
        local whole = type(rapidjson.decode(lines[at])) == "table"
        table.insert(parts, whole and lines[at] or rapidjson.encode(lines[at]))
        size, at = size + #lines[at], at + 1
    end
    local device, waiting = rapidjson.encode(Memory:readSetting("device")), #lines - first + 1
    return string.format('{"device":%s,"waiting":%d,"lines":[', device, waiting) .. table.concat(parts, ",") .. "]}", at
end

-- Gives the spool's lines to the core, and notes the places of those that it has seen.
function Errand:handOver(lines)
    local first, began, past, text = 1, os.time(), nil, nil
    repeat
        text, past = request(lines, first)
        local answer, seen = self:post("/v1/events", text), {}
        for _i, id in ipairs(answer.ack) do seen[id] = true end
        for _i, one in ipairs(answer.rejected or {}) do seen[first + (one.index or math.huge)] = true end
        for at = first, past - 1 do
            if seen[at] or seen[lines[at]:match('^{"v":1,"id":"([^"]+)"')] then table.insert(self.result.seen, at) end
        end
        first = past
    until past > #lines or os.time() - began > PATIENCE
    self.result.more = past <= #lines
end

function Errand:carryOut()
    local code, enabled = self.code or Memory:readSetting("code"), Memory:nilOrTrue("enabled")
    if code then self:pair(code) end
    local lines = Spool.lines()
    if #lines > 0 or not enabled then self:handOver(lines) end -- switched off, only an answer tells that it is on again
    if Memory:has("untold") then
        self:post("/v1/actions/toggle_sync", { args = { enabled = enabled } })
        self.result.told = true
    end
    if self.path then self:post(self.path, self.body) end
    local version = (self.result.state or {}).menu
    if self.code or version and version ~= self.menu then self.result.menu = select(2, self:ask("GET", "/v1/menu")) end
end

--- Carries out a wish: `url`, `menu` (the version that is known), and perhaps `code`, or `path` and `body`.
return function(wish)
    wish.result = { effects = rapidjson.array(), seen = rapidjson.array() }
    local ok, err = pcall(Errand.carryOut, setmetatable(wish, Errand))
    wish.result.err = not ok and tostring(err) or nil
    return rapidjson.encode(wish.result)
end
