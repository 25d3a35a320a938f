--- Sends a child process to the core, one at a time, and looks in on it now and then: the UI never waits.
local Memory = require("booklorebridge_memory")
local Menu = require("booklorebridge_menu")
local NetworkMgr = require("ui/network/manager")
local Screen = require("booklorebridge_screen")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local carryOut = require("booklorebridge_errand")
local ffiUtil = require("ffi/util")
local guarded = require("booklorebridge_guard")
local rapidjson = require("rapidjson")
local util = require("util")
local _ = require("gettext")

local Handoff = {}
local POLL, DEADLINE = 0.5, 120 -- seconds
local queue, busy, started = {}, false, false
local start

--- Takes over booklorebridge.json, which an installation leaves in the plugin's folder.
function Handoff.configure(path)
    local config = rapidjson.decode(util.readFromFile(path, "rb") or "")
    if type(config) ~= "table" then return end
    for _i, key in ipairs{ "url", "code", "token", "ca_file", "start_command" } do
        if type(config[key]) == "string" then Memory:saveSetting(key, config[key]) end
    end
    Memory:flush()
    os.remove(path)
end

local function isOnDevice(url)
    return url:find("//127.", 1, true) or url:find("//localhost", 1, true) or url:find("//[::1]", 1, true)
end

-- Whether asking makes sense; never a DNS lookup, as that would block.
local function isInReach(url)
    return url and (isOnDevice(url) or NetworkMgr:isConnected())
end

local function startCore(url)
    local command = Memory:readSetting("start_command")
    if started or not command or not isOnDevice(url) then return end
    started = true
    os.execute("(" .. command .. ") >/dev/null 2>&1 &")
end

local function remember(wish, result)
    local state = result.state
    if result.token then Memory:saveSetting("token", result.token):saveSetting("url", wish.url) end
    if result.used then Memory:delSetting("code") end
    if result.told then Memory:delSetting("untold") end
    if result.used or result.told then Memory:flush() end
    if not state then return end
    Memory:saveSetting("ask_wifi", state.ask_wifi == true):saveSetting("silent", state.silent == true)
    local switched = state.enabled ~= nil and state.enabled ~= Memory:nilOrTrue("enabled")
    if switched and Memory:hasNot("untold") then Screen.reader:switch(state.enabled) end
end

local apply = guarded(function(wish, result)
    Menu.answered = result.reached
    guarded(remember)(wish, result)
    local removed = #(result.seen or {}) > 0 and Spool.remove(result.seen)
    if result.menu then Menu.take(result.menu) end
    Screen.show(result.effects)
    if not result.reached then startCore(wish.url) end
    if wish.done then wish.done(result.err) end
    if removed and result.more then Handoff.send{} end
end)

local watch
watch = guarded(function(wish, pid, fd, left)
    if left <= 0 then ffiUtil.terminateSubProcess(pid) end
    if left > 0 and not ffiUtil.isSubProcessDone(pid) and ffiUtil.getNonBlockingReadSize(fd) == 0 then
        return UIManager:scheduleIn(POLL, watch, wish, pid, fd, left - POLL)
    end
    local read, text = pcall(ffiUtil.readAllFromFD, fd)
    ffiUtil.isSubProcessDone(pid, true) -- it has closed the pipe or was killed, so this does not wait
    UIManager:allowStandby()
    busy = false
    apply(wish, read and rapidjson.decode(text) or { err = _("The core does not answer.") })
    start()
end)

function start()
    local wish = not busy and table.remove(queue, 1)
    if not wish then return end
    local pid, fd = ffiUtil.runInSubProcess(function(_pid, out) ffiUtil.writeToFD(out, carryOut(wish), true) end, true)
    if not pid then return apply(wish, { err = fd }) end
    busy = true
    UIManager:preventStandby()
    UIManager:scheduleIn(POLL, watch, wish, pid, fd, DEADLINE)
end

--- Asks the core: the spool goes first, then `path` with `body`; `done` is told why, if that failed. Without a network
--- nothing is asked.
function Handoff.send(wish)
    wish.url, wish.menu = wish.url or Memory:readSetting("url"), Menu.version()
    if not isInReach(wish.url) then return wish.done and wish.done(not wish.url and _("No core is set up yet.") or nil) end
    table.insert(queue, wish)
    start()
end

local background = guarded(function() Handoff.send{} end)

--- A hand-off that nobody asked for: silent, and never switches Wi-Fi on.
function Handoff.soon(seconds)
    UIManager:unschedule(background)
    UIManager:scheduleIn(seconds or 0, background)
end

-- The switch works at once and without the core, which is told as soon as it can be.
local function toggle()
    local on = not Memory:nilOrTrue("enabled")
    Memory:saveSetting("untold", true)
    Screen.reader:switch(on)
    Handoff.send{ done = function()
        if Memory:has("untold") then Screen.toast(on and _("Sync is on.") or _("Sync is off.")) end
    end }
end

--- What a person asked for by menu or gesture.
function Screen.act(name, args)
    if name == "toggle_sync" then return toggle() end
    local url, stretch = Memory:readSetting("url"), Screen.reader.stretch
    local body = { book = stretch and stretch.book, args = args or rapidjson.object() }
    local go = guarded(function() Handoff.send{ path = "/v1/actions/" .. name, body = body, done = Screen.tell } end)
    if not url or isInReach(url) then return go() end
    local turnOn = Memory:isTrue("ask_wifi") and NetworkMgr.promptWifiOn or NetworkMgr.runWhenConnected
    turnOn(NetworkMgr, go)
end

Screen.send = Handoff.send
return Handoff
