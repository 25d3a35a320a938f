--- Sends a child process to the core, one at a time, and looks in on it now and then: the UI never waits.
local Memory = require("booklorebridge_memory")
local Menu = require("booklorebridge_menu")
local NetworkMgr = require("ui/network/manager")
local Screen = require("booklorebridge_screen")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local carryOut = require("booklorebridge_request")
local ffiUtil = require("ffi/util")
local guarded = require("booklorebridge_guard")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local Handoff = {}
local POLL, DEADLINE = 0.5, 90 -- seconds
local queue, busy, started = {}, false, false

--- Takes over booklorebridge.json, which an installation leaves in the plugin's folder.
function Handoff.configure(path)
    local ok, config = pcall(rapidjson.load, path)
    for key, value in pairs(ok and type(config) == "table" and config or {}) do
        if type(value) == "string" then Memory:saveSetting(key, value) end
    end
    if ok and Memory:flush() then os.remove(path) end
end

-- Whether asking makes sense: a core on this very device needs no network. Never a DNS lookup, as that would block.
local function isInReach(url)
    return url and (url:find("//127.", 1, true) or url:find("//localhost", 1, true) or NetworkMgr:isConnected())
end

local apply = guarded(function(wish, result)
    local removed = #(result.seen or {}) > 0 and Spool.remove(result.seen)
    if result.token then Memory:saveSetting("token", result.token):saveSetting("url", wish.url) end
    if result.used then wish.code = Memory:delSetting("code"):readSetting("code") end
    if result.told == Memory:nilOrTrue("enabled") then Memory:delSetting("untold") end -- else flipped again meanwhile
    if result.menu then Menu.take(result.menu) end
    if result.used or result.told ~= nil or result.menu then Memory:flush() end
    if result.reached ~= nil then Menu.answered = result.reached end
    local command = result.reached == false and not started and Memory:readSetting("start_command")
    if command then started = os.execute("(" .. command .. ") >/dev/null 2>&1 &") ~= nil end
    Screen.show(result.effects, wish.wasAsked)
    if result.more and removed then table.insert(queue, 1, wish) elseif wish.done then wish.done(result.err) end
    local state = result.state
    if not state then return end
    Memory:saveSetting("ask_wifi", state.ask_wifi == true):saveSetting("silent", state.silent == true)
    -- A switch flipped here that the core does not know of yet comes first.
    local differs = state.enabled ~= nil and state.enabled ~= Memory:nilOrTrue("enabled")
    if differs and Memory:hasNot("untold") then Screen.reader:switch(state.enabled) end
end)

--- Looks whether the child is done, or out of time.
Handoff.watch = guarded(function(wish, pid, fd, left)
    if left <= 0 then ffiUtil.terminateSubProcess(pid) end
    if left > 0 and not ffiUtil.isSubProcessDone(pid) and ffiUtil.getNonBlockingReadSize(fd) == 0 then
        return UIManager:scheduleIn(POLL, Handoff.watch, wish, pid, fd, left - POLL)
    end
    local read, text = pcall(ffiUtil.readAllFromFD, fd)
    ffiUtil.isSubProcessDone(pid, true) -- it has closed the pipe or was killed, so this does not wait
    UIManager:allowStandby()
    busy = false
    apply(wish, read and rapidjson.decode(text) or { err = _("The core does not answer.") })
    Handoff.start()
end)

--- Sends the next child, when there is none and something to ask.
function Handoff.start()
    local wish = not busy and table.remove(queue, 1)
    if not wish then return end
    local pid, fd = ffiUtil.runInSubProcess(function(_pid, out) ffiUtil.writeToFD(out, carryOut(wish), true) end, true)
    if not pid then return apply(wish, { err = fd }) end
    busy = true
    UIManager:preventStandby()
    UIManager:scheduleIn(POLL, Handoff.watch, wish, pid, fd, DEADLINE)
end

--- Asks the core: spool first, then `path` with `body`; `done` is told what failed. With `wifi`, may switch Wi-Fi on.
function Screen.send(wish)
    if not next(wish) and #queue > 0 then return end -- the one that waits takes the spool along
    wish.url = wish.url or Memory:readSetting("url")
    if isInReach(wish.url) then
        if Screen.begin(wish) then table.insert(queue, wish) end
        Handoff.start()
    elseif wish.wifi and wish.url then
        local turnOn = Memory:isTrue("ask_wifi") and NetworkMgr.promptWifiOn or NetworkMgr.runWhenConnected
        wish.wifi = nil
        turnOn(NetworkMgr, guarded(function() Screen.send(wish) end))
    elseif wish.done then
        wish.done(not wish.url and _("No core is set up yet.") or nil)
    end
end

-- The switch works at once and without the core, which is told as soon as it can be.
local function toggle()
    Memory:saveSetting("untold", true)
    Screen.reader:switch(not Memory:nilOrTrue("enabled"))
    local text = Memory:isTrue("enabled") and _("Sync is on.") or _("Sync is off.")
    Screen.send{ done = function() if Memory:has("untold") then Screen.tell(nil, text) end end }
end

--- What a person asked for by menu or gesture: for this book, else for the open one.
function Screen.act(name, args, book)
    local body = { book = book or (Screen.reader.stretch or {}).book, args = args or rapidjson.object() }
    local wish = { path = "/v1/actions/" .. name, body = body, done = Screen.tell, wifi = true }
    if name == "toggle_sync" then toggle() else Screen.send(wish) end
    return true
end

return Handoff
