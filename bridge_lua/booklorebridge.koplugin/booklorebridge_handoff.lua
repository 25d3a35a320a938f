--- Hands over to the core: the spool, one hand-off at a time, and what a person asks for.
local Core = require("booklorebridge_core")
local Json = require("booklorebridge_json")
local Memory = require("booklorebridge_memory")
local Menu = require("booklorebridge_menu")
local NetworkMgr = require("ui/network/manager")
local Screen = require("booklorebridge_screen")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local guarded = require("booklorebridge_guard")
local _ = require("gettext")

local Handoff = {}
local LINES, BYTES = 1000, 900 * 1024 -- under the 1 MiB that many proxies allow
local waiting -- for the end of the hand-off under way; nil when there is none

local function finish(ok, err)
    local told = waiting or {}
    waiting = nil
    for _i, done in ipairs(told) do guarded(done)(ok, err) end
end

local function oldest()
    local lines, size = {}, 0
    for i, line in ipairs(Spool.lines()) do
        size = size + #line
        if i > LINES or (i > 1 and size > BYTES) then break end
        lines[i] = line
    end
    return lines
end

local function body(lines)
    local parts = {}
    for i, line in ipairs(lines) do parts[i] = Json.decode(line) and line or Json.encode(line) end
    return '{"device":' .. Json.encode(Memory.device()) .. ',"lines":[' .. table.concat(parts, ",") .. "]}"
end

--- Drops what the core has seen; false when that was nothing, as asking again would then never end.
local function drop(lines, answer)
    local seen, gone = {}, {}
    for _i, id in ipairs(answer.ack) do seen[id] = true end
    for _i, one in ipairs(answer.rejected or {}) do
        if one.id then seen[one.id] = true elseif one.index then gone[lines[one.index + 1] or ""] = true end
    end
    for _i, line in ipairs(lines) do
        if seen[line:match('^{"v":1,"id":"([^"]+)"')] then gone[line] = true end
    end
    return next(gone) ~= nil and Spool.remove(gone)
end

local function accept(answer)
    local state = answer.state or {}
    Memory.accept(state, Screen.enabled)
    if state.menu and state.menu ~= Menu.version() then Menu.fetch() end
    Screen.show(answer.effects)
end

local function round()
    Spool.flush()
    local lines = oldest()
    if #lines == 0 then return finish(true) end
    Core.call("POST", "/v1/events", function() return body(lines) end, function(answer, err)
        if not answer or not answer.ack then return finish(false, err) end
        local ok, fewer = pcall(drop, lines, answer)
        guarded(accept)(answer)
        if not (ok and fewer and pcall(round)) then finish(true) end
    end)
end

--- Gives all lines to the core, then calls done(true) or done(false, why).
function Handoff.run(done)
    if waiting then return table.insert(waiting, done) end
    waiting = { done }
    local ok, err = pcall(round)
    if not ok then finish(false, err) end
end

local function post(path, fields, done)
    Core.call("POST", path, Json.encode(fields), function(answer, err)
        if answer then guarded(accept)(answer) end
        guarded(done)(answer, err)
    end)
end

local function act(name, args, done)
    post("/v1/actions/" .. name, { book = Screen.book() or Json.null, args = args or {} }, done)
end

local function tellToggled()
    local known = Memory.get()
    local function told(answer)
        known.untold = not answer or nil
        Memory.save()
    end
    if known.untold then act("toggle_sync", { enabled = known.enabled }, told) end
end

local background = guarded(function()
    if Core.inReach() then Handoff.run(tellToggled) end
end)

--- A hand-off that nobody asked for: silent, and never switches Wi-Fi on.
function Handoff.soon(seconds)
    UIManager:unschedule(background)
    UIManager:scheduleIn(seconds or 0, background)
end

local function whenConnected(go)
    if not Core.url() or Core.inReach() then return go() end
    if not Memory.get().ask_wifi then return NetworkMgr:runWhenConnected(guarded(go)) end
    Screen.confirm(_("Wi-Fi is off. Turn it on to reach the core?"), _("Turn on"), _("Skip"), function(yes)
        if yes then NetworkMgr:turnOnWifiAndWaitForConnection(guarded(go)) else Screen.unless() end
    end)
end

local function toggle()
    local known = Memory.get()
    local wanted = known.enabled == false
    local function here(answer)
        if answer then return end
        Memory.switch(wanted, Screen.enabled, "untold")
        Screen.toast(wanted and _("Sync is on.") or _("Sync is off."))
    end
    if not Core.inReach() then return here() end
    known.untold = nil
    act("toggle_sync", { enabled = wanted }, here)
end

--- What a person asked for by menu or gesture: the spool goes first, so that the core knows all.
function Handoff.act(name, args)
    if name == "toggle_sync" then return toggle() end
    local function go(ok, err)
        if ok then act(name, args, Screen.unless) else Screen.unless(ok, err) end
    end
    whenConnected(function() Handoff.run(go) end)
end

--- What the core had scheduled for itself: as silent as any background work.
function Screen.scheduled(name)
    if Core.inReach() then Handoff.run(function(ok) if ok then act(name, nil, function() end) end end) end
end

function Screen.answer(id, value)
    post("/v1/answers/" .. id, { answer = value == nil and Json.null or value }, Screen.unless)
end

Menu.act = Handoff.act
return Handoff
