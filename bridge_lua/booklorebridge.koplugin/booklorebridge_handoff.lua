--- Hands over to the core: the spool, one hand-off at a time, and what a person asks for.
local Core = require("booklorebridge_core")
local Memory = require("booklorebridge_memory")
local Menu = require("booklorebridge_menu")
local NetworkMgr = require("ui/network/manager")
local Screen = require("booklorebridge_screen")
local Spool = require("booklorebridge_spool")
local Task = require("booklorebridge_task")
local UIManager = require("ui/uimanager")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local Handoff = {}
local LINES, BYTES = 1000, 900 * 1024 -- under the 1 MiB that many proxies allow
local busy = false

local function oldest(lines)
    local first, size = {}, 0
    for i, line in ipairs(lines) do
        size = size + #line
        if i > LINES or (i > 1 and size > BYTES) then break end
        first[i] = line
    end
    return first
end

-- Lines go as they are; one that is torn goes as a JSON text.
local function body(lines, count)
    local parts = {}
    for i, line in ipairs(lines) do parts[i] = Core.decode(line) and line or rapidjson.encode(line) end
    local device = rapidjson.encode(Memory:readSetting("device"))
    return string.format('{"device":%s,"waiting":%d,"lines":[', device, count) .. table.concat(parts, ",") .. "]}"
end

-- Drops what the core has seen; false when that was nothing, as asking again would then never end.
local drop = Task.guarded(function(lines, answer)
    local seen, gone = {}, {}
    for _i, id in ipairs(answer.ack) do seen[id] = true end
    for _i, one in ipairs(answer.rejected or {}) do gone[lines[(one.index or -1) + 1] or ""] = true end
    for _i, line in ipairs(lines) do
        if seen[line:match('^{"v":1,"id":"([^"]+)"')] then gone[line] = true end
    end
    return next(gone) ~= nil and Spool.remove(gone)
end)

-- Takes over what the core says of its settings; what a person switched here without the core comes first.
local accept = Task.guarded(function(answer)
    local state = answer.state or {}
    for _i, name in ipairs{ "ask_wifi", "silent" } do
        if state[name] ~= nil and state[name] ~= Memory:readSetting(name) then
            Memory:saveSetting(name, state[name]):flush()
        end
    end
    local is_news = state.enabled ~= nil and state.enabled ~= Memory:nilOrTrue("enabled")
    if is_news and Memory:hasNot("untold") then Screen.reader:switch(state.enabled) end
    if state.menu and state.menu ~= Menu.version() then Menu.fetch() end
    Screen.show(answer.effects)
end)

local function rounds()
    while true do
        local all = Spool.lines()
        local lines = oldest(all)
        -- With sync off there are no lines, but only an answer tells that it is on again.
        if #lines == 0 and Memory:nilOrTrue("enabled") then return true end
        local answer, err = Core.call("POST", "/v1/events", function() return body(lines, #all) end)
        if not (answer and answer.ack) then return false, err end
        local fewer = drop(lines, answer)
        accept(answer)
        if not fewer then return true end
    end
end

-- Gives all lines to the core; true, or false and why.
local function run()
    while busy do Task.sleep(1) end
    busy = true
    local ok, done, err = pcall(rounds)
    busy = false
    return ok and done, err or done
end

local function post(path, fields)
    local answer, err = Core.call("POST", path, fields)
    if answer then accept(answer) end
    return answer, err
end

local function act(name, args)
    local book = Screen.reader and Screen.reader.book
    return post("/v1/actions/" .. name, { book = book, args = args or rapidjson.object() })
end

local function tellSwitched()
    local told = act("toggle_sync", { enabled = Memory:nilOrTrue("enabled") })
    if told then Memory:delSetting("untold"):flush() end
    return told
end

local background = Task.task(function()
    if Core.isInReach() and run() and Memory:has("untold") then tellSwitched() end
end)

--- A hand-off that nobody asked for: silent, and never switches Wi-Fi on.
function Handoff.soon(seconds)
    UIManager:unschedule(background)
    UIManager:scheduleIn(seconds or 0, background)
end

-- Unless asking is on, KOReader's own Wi-Fi setting decides.
local function isConnecting()
    local turnOn = NetworkMgr.runWhenConnected
    if Memory:isTrue("ask_wifi") then
        local text = _("Wi-Fi is off. Turn it on to reach the core?")
        if not Screen.ask{ kind = "confirm", text = text, ok = _("Turn on") } then return false end
        turnOn = NetworkMgr.turnOnWifiAndWaitForConnection
    end
    Task.await(function(go) turnOn(NetworkMgr, go) end)
    return true
end

-- The switch works at once and without the core, which is told as soon as it can be.
local function toggle()
    local on = not Memory:nilOrTrue("enabled")
    Memory:saveSetting("untold", true)
    Screen.reader:switch(on)
    if not (Core.isInReach() and tellSwitched()) then Screen.toast(on and _("Sync is on.") or _("Sync is off.")) end
end

--- What a person asked for by menu or gesture: the spool goes first, so that the core knows all.
Screen.act = Task.task(function(name, args)
    if name == "toggle_sync" then return toggle() end
    local ok, err = not Core.url() or Core.isInReach() or isConnecting(), nil
    if ok then ok, err = run() end
    if ok then ok, err = act(name, args) end
    if not ok then Screen.tellWaiting(err) end
end)

-- What the core had scheduled for itself: as silent as any background work.
Screen.actScheduled = Task.task(function(name)
    if Core.isInReach() and run() then act(name) end
end)

Screen.answer = Task.task(function(id, value)
    if value == nil then value = rapidjson.null end
    local answer, err = post("/v1/answers/" .. id, { answer = value })
    if not answer then Screen.tellWaiting(err) end
end)

return Handoff
