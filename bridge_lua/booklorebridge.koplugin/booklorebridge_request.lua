--- What a child process does: asks the core, one request after the other, and tells its parent what came of it.
local Memory = require("booklorebridge_memory")
local Spool = require("booklorebridge_spool")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local wish, result, status -- of the one request of this process
local LINES, BYTES = 1000, 900 * 1024 -- under the 1 MiB that many proxies allow

local function send(method, path, text)
    local url = wish.url:gsub("/+$", "") .. path
    local http = require(url:find("^https:") and "ssl.https" or "socket.http")
    local ltn12, socketutil = require("ltn12"), require("socketutil")
    local answer, token = {}, Memory:has("token") and "Bearer " .. Memory:readSetting("token") or nil
    socketutil:set_timeout(30, 50)
    status = select(2, http.request{
        method = method, url = url, redirect = false, -- the token goes nowhere else
        verify = "peer", cafile = Memory:readSetting("ca_file") or "data/ca-bundle.crt",
        headers = { ["Content-Type"] = "application/json", ["Content-Length"] = #text, ["Authorization"] = token },
        source = ltn12.source.string(text), sink = socketutil.table_sink(answer),
    })
    return table.concat(answer)
end

-- The answer, and its text; else an error that says why: the reason of a refusal is the core's own text.
local function ask(method, path, body)
    local text = send(method, path, type(body) == "table" and rapidjson.encode(body) or body or "")
    result.reached = type(status) == "number"
    local answer = rapidjson.decode(text)
    if type(answer) ~= "table" then answer = {} end
    for _i, effect in ipairs(answer.effects or {}) do table.insert(result.effects, effect) end
    result.state = answer.state or result.state
    if status == 200 and next(answer) then return answer, text end
    error(type(answer.detail) == "string" and answer.detail or _("The core does not answer: ") .. tostring(status), 0)
end

-- Trades a six-digit code for this device's token. The code is used up, unless the core could not judge it.
local function pair(code)
    local ok, answer = pcall(ask, "POST", "/v1/pair", { code = code, device = Memory:readSetting("device") })
    result.used = ok or (status ~= 429 and tostring(status):find("^4%d%d$") ~= nil)
    if not ok and (wish.code or Memory:hasNot("token")) then error(answer, 0) end
    result.token = ok and answer.token or nil
    if ok then Memory:saveSetting("token", answer.token) end -- for the requests that follow
end

-- Gives lines to the core, oldest first, and notes the places of those that it has seen. A torn line goes as a text.
local function handOver(lines)
    local parts, seen, size = {}, {}, 0
    for at, line in ipairs(lines) do
        size = size + #line
        if at > LINES or at > 1 and size > BYTES then break end
        parts[at] = type(rapidjson.decode(line)) == "table" and line or rapidjson.encode(line)
    end
    local head = string.format('{"device":%s,"waiting":%d,', rapidjson.encode(Memory:readSetting("device")), #lines)
    local answer = ask("POST", "/v1/events", head .. '"lines":[' .. table.concat(parts, ",") .. "]}")
    for _i, id in ipairs(answer.ack) do seen[id] = true end
    for _i, one in ipairs(answer.rejected or {}) do seen[(one.index or -1) + 1] = true end
    for at = 1, #parts do
        if seen[at] or seen[lines[at]:match('^{"v":1,"id":"([^"]+)"')] then table.insert(result.seen, at) end
    end
    result.more = #lines > #parts
end

local function carryOut()
    local code, enabled, lines = wish.code or Memory:readSetting("code"), Memory:nilOrTrue("enabled"), Spool.lines()
    if code then pair(code) end
    if #lines > 0 or not enabled then handOver(lines) end -- switched off, only an answer tells that it is on again
    if result.more then return end
    if Memory:has("untold") then
        ask("POST", "/v1/actions/toggle_sync", { args = { enabled = enabled } })
        result.told = enabled
    end
    if wish.path then ask("POST", wish.path, wish.body) end
    local known, now = rapidjson.decode(Memory:readSetting("menu") or "{}").version, (result.state or {}).menu
    if wish.code or now and now ~= known then result.menu = select(2, ask("GET", "/v1/menu")) end
end

--- Carries out a wish: `url`, and perhaps `code`, or `path` and `body`.
return function(given)
    wish, result = given, { effects = rapidjson.array(), seen = rapidjson.array() }
    local ok, err = pcall(carryOut)
    result.err = not ok and tostring(err) or nil
    return rapidjson.encode(result)
end
