--- What a child process does: asks the core, one request after the other, and tells its parent what came of it.
local Backlog, Clock = require("booklorebridge_backlog"), require("booklorebridge_clock")
local Files, Memory = require("booklorebridge_files"), require("booklorebridge_memory")
local Spool, rapidjson, _ = require("booklorebridge_spool"), require("rapidjson"), require("gettext")

local wish, result, status -- of the one request of this process
-- Of one request, under the 1 MiB that many proxies allow; and seconds for one child, with the last request still well
-- under the parent's deadline.
local LINES, BYTES, PATIENCE = 1000, 900 * 1024, 20
local SWITCHES = { "ask_wifi", "silent", "manual_only" } -- of the core's, that the shim knows

-- Takes note of a setting for the requests that follow, and for the parent; false is none.
local function learn(name, value)
    if (Memory:readSetting(name) or false) ~= value then result.learnt[name] = value end
    Memory:saveSetting(name, value or nil)
end

local function send(method, path, text)
    local url = wish.url .. path
    local http = require(url:find("^https:") and "ssl.https" or "socket.http")
    local ltn12, socketutil = require("ltn12"), require("socketutil")
    local answer, token = {}, Memory:has("token") and "Bearer " .. Memory:readSetting("token") or nil
    local headers = { ["Content-Type"] = method == "PUT" and "application/octet-stream" or "application/json",
        ["Content-Length"] = #text, ["Authorization"] = token }
    for name, value in pairs(Memory:readSetting("headers") or {}) do headers[name] = value end -- for an access proxy
    socketutil:set_timeout(30, 50)
    status = select(2, http.request{
        method = method, url = url, redirect = false, -- the token goes nowhere else
        verify = "peer", cafile = Memory:readSetting("ca_file") or "data/ca-bundle.crt",
        headers = headers, source = ltn12.source.string(text), sink = socketutil.table_sink(answer),
    })
    return table.concat(answer)
end

-- The answer, and its text; nothing where the body may have been torn and could not be read; else an error with a sentence: the reason of a refusal is the core's own text. Any other
-- error is a mistake of ours, and nothing for a screen.
local function ask(method, path, body, mayBeTorn)
    if type(body) == "table" then body = require("util").fixUtf8(rapidjson.encode(body), "\239\191\189") end
    local text = send(method, path, body or "")
    result.reached = type(status) == "number"
    local answer = rapidjson.decode(text)
    if type(answer) ~= "table" then answer = {} end
    for _i, effect in ipairs(answer.effects or {}) do
        table.insert(result.effects, effect)
        if effect.type == "device" and Memory.become(effect.id) then
            result.learnt.device, result.learnt.former_ids = Memory:readSetting("device"), Memory:readSetting("former_ids")
        end
    end
    result.state = type(answer.state) == "table" and answer.state or result.state
    for _i, name in ipairs(result.state and SWITCHES or {}) do
        if result.state[name] ~= nil then learn(name, result.state[name] == true) end
    end
    local understood, isRefused = status == 200 and next(answer) ~= nil, status == 401 or status == 403
    if path ~= "/v1/pair" and (understood or isRefused) then learn("unpaired", isRefused) end
    if understood then return answer, text end
    if mayBeTorn and (status == 400 or status == 422) then return end
    local detail = type(answer.detail) == "string" and answer.detail
    local kept = wish.file and "\n" .. _("What has arrived of the file is kept: the next time it goes on from there.") or ""
    error({ sentence = detail or _("The core does not answer: ") .. tostring(status) .. kept }, 0)
end

-- Trades a six-digit code for this device's token. The code is used up, unless the core could not judge it.
local function pair(code)
    local ok, answer = pcall(ask, "POST", "/v1/pair", { code = code, device = Memory.speaker{} })
    if ok or status ~= 429 and tostring(status):find("^4%d%d$") then result.learnt.code = false end
    local paired = ok and { token = answer.token, url = wish.url, unpaired = false } or {}
    for name, value in pairs(paired) do learn(name, value) end
    if not ok and (wish.code or Memory:hasNot("token")) then error(answer, 0) end
end

-- A line as it goes to the core; a torn one goes as a text. To look closely takes several times as long as all the rest.
local function whole(one, writers, isClose)
    local line = not isClose and one.id and one or rapidjson.decode(one.text)
    if type(line) ~= "table" then return rapidjson.encode(one.text) end
    if type(line.device) == "string" then writers[line.device] = true end
    one.id = line.id
    return one.text
end

-- Gives a part of the backlog to the core; how many of its lines the core has seen. A body that the core cannot read has a
-- torn line that looked whole.
local function give(part, isLast, isClose)
    local pieces, writers, seen, before = {}, {}, {}, result.waiting -- in one go: the body is long
    local found = Memory:hasNot("found") and Files.state(Files.LUA_PLUGIN) and { Files.LUA_PLUGIN } or nil
    for at, one in ipairs(part) do pieces[2 * at], pieces[2 * at + 1] = whole(one, writers, isClose), "," end
    local head = rapidjson.encode{
        device = Memory.speaker(writers), waiting = isLast and #part or math.max(result.waiting, #part + 1),
        now = Clock.at(), up = Clock.up(), boot = Clock.boot, found = found,
    }
    pieces[1], pieces[math.max(2, 2 * #part + 1)] = head:sub(1, -2) .. ',"lines":[', "]}"
    local answer = ask("POST", "/v1/events", table.concat(pieces), not isClose)
    if not answer then return give(part, isLast, true) end
    if found then learn("found", true) end
    for _i, id in ipairs(answer.ack) do seen[id] = true end
    for _i, one in ipairs(answer.rejected or {}) do seen[(one.index or -1) + 1] = true end
    for at, one in ipairs(part) do
        if seen[at] or seen[one.id or seen] then result.waiting = result.waiting - Backlog.arrived(one) end
    end
    return before - result.waiting
end

-- Gives the core what waits, in parts, for as long as it takes them and the time allows.
local function handOver(enabled, till)
    local part, size = {}, 0
    for one in Backlog.lines(result.segments) do
        if #part == LINES or part[1] and size + #one.text > BYTES then
            local taken = give(part)
            Backlog.clear(result.segments)
            result.more = taken > 0 and Clock.seconds() > till
            if taken == 0 or result.more then return end
            part, size = {}, 0
        end
        table.insert(part, one)
        size = size + #one.text
    end
    if part[1] or not enabled then give(part, true) end -- switched off, only an answer tells that it is on again
    Backlog.clear(result.segments)
end

local function carryOut()
    local code, enabled = wish.code or Memory:readSetting("code"), Memory:nilOrTrue("enabled")
    local till = Clock.seconds() + PATIENCE
    if code then pair(code) end
    if wish.isFirst then ask("POST", wish.path, wish.body) end
    handOver(enabled, till)
    if result.more then return end
    local toggle = Memory:has("untold") and ask("POST", "/v1/actions/toggle_sync", { args = { enabled = enabled } })
    if toggle then result.told = enabled end
    result.more = wish.file and not Files.send(wish.file, ask, till)
    if result.more then return end
    if wish.path and not wish.isFirst then ask("POST", wish.path, wish.body) end
    local known, now = rapidjson.decode(Memory:readSetting("menu") or "{}").version, (result.state or {}).menu
    if result.learnt.token or now and now ~= known then learn("menu", (select(2, ask("GET", "/v1/menu")))) end
end

--- Carries out a wish: `url`, and perhaps `code`, or `path` and `body`, and a `file` that goes before them.
return function(given)
    wish, result = given, { learnt = {}, effects = rapidjson.array(), segments = rapidjson.array(), waiting = Spool.waiting() }
    local ok, err = pcall(carryOut)
    if not ok and type(err) ~= "table" then require("logger").warn("BookLore Sync:", err) end
    result.err = not ok and (type(err) == "table" and err.sentence or _("Something went wrong; KOReader's log says what.")) or nil
    return rapidjson.encode(result)
end
