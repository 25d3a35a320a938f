--- What a child process does: asks the core, one request after the other, and tells its parent what came of it.
local Backlog = require("booklorebridge_backlog")
local Clock = require("booklorebridge_clock")
local Memory = require("booklorebridge_memory")
local Spool = require("booklorebridge_spool")
local logger = require("logger")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local wish, result, status -- of the one request of this process
local LINES, BYTES = 1000, 900 * 1024 -- under the 1 MiB that many proxies allow
local PATIENCE = 20 -- seconds for one child; with the last request still well under the parent's deadline

-- Ends the process' work with a sentence; any other error is a mistake of ours, and nothing for a screen.
local function fail(sentence) error({ sentence = sentence }, 0) end

local function send(method, path, text)
    local url = wish.url .. path
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
    for _i, effect in ipairs(answer.effects or {}) do
        local new = effect.type == "device" and Memory.become(effect.id) -- for the requests that follow
        if new then result.device = effect.id elseif effect.type ~= "device" then table.insert(result.effects, effect) end
    end
    result.state = answer.state or result.state
    local understood = status == 200 and next(answer) ~= nil
    if path ~= "/v1/pair" and (understood or status == 401) then result.unpaired = status == 401 end
    if understood then return answer, text end
    fail(type(answer.detail) == "string" and answer.detail or _("The core does not answer: ") .. tostring(status))
end

-- The device that speaks, with the ids that it had before: those it knows of, and those of its own old lines.
local function speaker(others)
    local device, former = Memory:readSetting("device"), rapidjson.array()
    for _i, id in ipairs(Memory:readSetting("former_ids") or {}) do table.insert(former, id) end
    for id in pairs(others or {}) do table.insert(former, id) end
    former = former[1] and former or nil
    return { id = device.id, name = device.name, model = device.model, shim = device.shim, former_ids = former }
end

-- Trades a six-digit code for this device's token. The code is used up, unless the core could not judge it.
local function pair(code)
    local ok, answer = pcall(ask, "POST", "/v1/pair", { code = code, device = speaker() })
    result.used = ok or (status ~= 429 and tostring(status):find("^4%d%d$") ~= nil)
    if not ok and (wish.code or Memory:hasNot("token")) then error(answer, 0) end
    result.token = ok and answer.token or nil
    if ok then Memory:saveSetting("token", answer.token) end -- for the requests that follow
end

-- Gives a part of the backlog to the core; how many of its lines the core has seen. A torn line goes as a text.
local function give(part, isLast)
    local texts, others, seen, count = {}, {}, {}, 0
    for at, one in ipairs(part) do
        local line = rapidjson.decode(one.text)
        local writer = type(line) == "table" and line.device or nil
        texts[at] = type(line) == "table" and one.text or rapidjson.encode(one.text)
        one.id = type(line) == "table" and line.id or nil
        if type(writer) == "string" and writer ~= Memory:readSetting("device").id then others[writer] = true end
    end
    for _i, id in ipairs(Memory:readSetting("former_ids") or {}) do others[id] = nil end
    local head = rapidjson.encode{
        device = speaker(others), waiting = isLast and #part or math.max(result.waiting, #part + 1),
        now = Clock.at(), up = Clock.up(), boot = Clock.boot,
    }
    local answer = ask("POST", "/v1/events", head:sub(1, -2) .. ',"lines":[' .. table.concat(texts, ",") .. "]}")
    for _i, id in ipairs(answer.ack) do seen[id] = true end
    for _i, one in ipairs(answer.rejected or {}) do seen[(one.index or -1) + 1] = true end
    for at, one in ipairs(part) do
        if seen[at] or seen[one.id or seen] then
            Backlog.arrived(one.report, one.at, one.id)
            count = count + 1
        end
    end
    result.waiting = result.waiting - count
    return count
end

-- Gives the core what waits, in parts, for as long as it takes them and the time allows.
local function handOver(enabled)
    local part, size, till = {}, 0, Clock.seconds() + PATIENCE
    local function goOn()
        local taken = give(part)
        Backlog.clear(result.segments)
        result.more = taken > 0 and Clock.seconds() > till
        part, size = {}, 0
        return taken > 0 and not result.more
    end
    local whole = Backlog.each(result.segments, function(text, report, at)
        local full = #part == LINES or part[1] and size + #text > BYTES
        if full and not goOn() then return false end
        table.insert(part, { text = text, report = report, at = at })
        size = size + #text
        return true
    end)
    if not whole then return end
    if part[1] or not enabled then give(part, true) end -- switched off, only an answer tells that it is on again
    Backlog.clear(result.segments)
end

local function carryOut()
    local code, enabled = wish.code or Memory:readSetting("code"), Memory:nilOrTrue("enabled")
    if code then pair(code) end
    handOver(enabled)
    if result.more then return end
    if Memory:has("untold") then
        ask("POST", "/v1/actions/toggle_sync", { args = { enabled = enabled } })
        result.told = enabled
    end
    if wish.path then ask("POST", wish.path, wish.body) end
    local known, now = rapidjson.decode(Memory:readSetting("menu") or "{}").version, (result.state or {}).menu
    if result.token or now and now ~= known then result.menu = select(2, ask("GET", "/v1/menu")) end
end

--- Carries out a wish: `url`, and perhaps `code`, or `path` and `body`.
return function(given)
    wish, result = given, { effects = rapidjson.array(), segments = rapidjson.array(), waiting = Spool.waiting() }
    local ok, err = pcall(carryOut)
    if not ok and type(err) ~= "table" then logger.warn("BookLore Sync:", err) end
    result.err = not ok and (type(err) == "table" and err.sentence or _("Something went wrong; KOReader's log says what.")) or nil
    return rapidjson.encode(result)
end
