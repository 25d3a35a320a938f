--- Sends a child process to the core, one at a time, and looks in on it now and then: the UI never waits.
local Address, Books = require("booklorebridge_address"), require("booklorebridge_books")
local Memory, Menu = require("booklorebridge_memory"), require("booklorebridge_menu")
local Occasions, Screen = require("booklorebridge_occasions"), require("booklorebridge_screen")
local Spool, carryOut = require("booklorebridge_spool"), require("booklorebridge_request")
local guarded, rapidjson, _ = require("booklorebridge_guard"), require("rapidjson"), require("gettext")
local NetworkMgr, UIManager, ffiUtil = require("ui/network/manager"), require("ui/uimanager"), require("ffi/util")

local Handoff = {}
-- Seconds: how long a request holds standby, how long it may take; between two looks, before and after it lets go.
local AWAKE, DEADLINE, OFTEN, SELDOM = 5, 90, 0.25, 2
-- `owed`: what the core scheduled and was not there for: then that comes first, as it may change what the core says.
local queue, busy, started, owed = {}, false, false, nil

--- A new window: takes over booklorebridge.json, which an installation leaves in the plugin's folder.
function Handoff.configure(path)
    Spool.reserve()
    local ok, config = pcall(rapidjson.load, path)
    for key, value in pairs(ok and type(config) == "table" and config or {}) do
        if type(value) == (key == "headers" and "table" or "string") then Memory:saveSetting(key, value) end
        Books.forgetTold() -- another core, perhaps
    end
    if ok and Memory:flush() then os.remove(path) end
end

-- Whether asking makes sense: a core on this very device needs no network. Never a DNS lookup, as that would block.
local function isInReach(url)
    return url and (url:find("//127.", 1, true) or url:find("//localhost", 1, true) or NetworkMgr:isConnected())
end

-- What the child learnt is remembered here too, on disk where it must not be lost with the power.
local function remember(wish, result)
    local learnt = result.learnt or {}
    for name, value in pairs(learnt) do Memory:saveSetting(name, value or nil) end
    if learnt.device then Spool.seal() end
    if learnt.device or learnt.token then Books.forgetTold() end
    if learnt.code == false then wish.code = nil end
    if result.told == Memory:nilOrTrue("enabled") then Memory:delSetting("untold") end -- else flipped again meanwhile
    if result.state then Occasions.take(result.state.hand_over) end
    if learnt.menu then Menu.take(learnt.menu) end
    if next(learnt) or result.told ~= nil then Memory:flush() end
end

local take = guarded(function(wish, result)
    Spool.settle(result.segments)
    remember(wish, result)
    Occasions.ended(not result.err)
    if result.reached ~= nil then Menu.answered = result.reached end
    local command = result.reached == false and not started and Memory:readSetting("start_command")
    if command then started = os.execute("(" .. command .. ") >/dev/null 2>&1 &") ~= nil end
    if wish.path and not wish.wasAsked and not result.reached then owed = { path = wish.path, body = wish.body, isFirst = true } end
    Screen.show(result.effects, wish.wasAsked)
    local on = (result.state or {}).enabled
    -- A switch flipped here that the core does not know of yet comes first.
    if on ~= nil and on ~= Memory:nilOrTrue("enabled") and Memory:hasNot("untold") then Screen.reader:switch(on) end
end)

local function finish(wish, result)
    take(wish, result)
    -- The rest of a spool comes first; that of a file lets others pass.
    if result.more then table.insert(queue, wish.file and #queue + 1 or 1, wish) else wish.done(result.err) end
    Handoff.start()
end

--- Looks whether the child is done, or out of time; one that takes long lets the device go to standby.
Handoff.watch = guarded(function(wish, pid, fd, gone)
    if gone >= DEADLINE then ffiUtil.terminateSubProcess(pid) end
    if gone < DEADLINE and not ffiUtil.isSubProcessDone(pid) and ffiUtil.getNonBlockingReadSize(fd) == 0 then
        local pause = gone < AWAKE and OFTEN or SELDOM
        if gone < AWAKE and gone + pause >= AWAKE then UIManager:allowStandby() end
        return UIManager:scheduleIn(pause, Handoff.watch, wish, pid, fd, gone + pause)
    end
    local read, text = pcall(ffiUtil.readAllFromFD, fd)
    ffiUtil.isSubProcessDone(pid, true) -- it has closed the pipe or was killed, so this does not wait
    if gone < AWAKE then UIManager:allowStandby() end
    busy = false
    finish(wish, read and rapidjson.decode(text) or { err = _("The core does not answer.") })
end)

--- Sends the next child, when there is none and something to ask; not while a book is opening.
Handoff.start = guarded(function()
    if busy or not queue[1] then return end
    UIManager:unschedule(Handoff.start)
    if Occasions.wait() > 0 then return UIManager:scheduleIn(Occasions.wait(), Handoff.start) end
    local wish = table.remove(queue, 1)
    Occasions.begun()
    local pid, fd = ffiUtil.runInSubProcess(function(_pid, out) ffiUtil.writeToFD(out, carryOut(wish), true) end, true)
    if not pid then return finish(wish, { err = _("The core could not be asked: ") .. tostring(fd) }) end
    busy = true
    UIManager:preventStandby()
    UIManager:scheduleIn(OFTEN, Handoff.watch, wish, pid, fd, OFTEN)
end)

--- Asks the core: spool first, then `path` with `body`; `done` is told what failed. With `wifi`, may switch Wi-Fi on.
function Screen.send(wish)
    local person = wish.done ~= nil
    if not person and Memory:isTrue("manual_only") then return end
    if not next(wish) and #queue > 0 then return Handoff.start() end -- the one that waits takes the spool along
    if not next(wish) and owed then wish, owed = owed, nil end
    local why = _("No core is set up yet.")
    if wish.url or Memory:has("url") then wish.url, why = Address.normalise(wish.url or Memory:readSetting("url")) end
    if wish.url and isInReach(wish.url) then
        if Screen.begin(wish) then table.insert(queue, wish) end
        Handoff.start()
    elseif wish.wifi and wish.url then
        local turnOn = Memory:isTrue("ask_wifi") and NetworkMgr.promptWifiOn or NetworkMgr.runWhenConnected
        wish.wifi = nil
        turnOn(NetworkMgr, guarded(function() Screen.send(wish) end))
    elseif person then
        wish.done(not wish.url and why or nil)
    elseif wish.path then
        owed, wish.isFirst = wish, true
    end
end

-- The switch works at once and without the core, which is told as soon as it can be.
local function toggle()
    Memory:saveSetting("untold", true)
    Screen.reader:switch(not Memory:nilOrTrue("enabled"))
    local text = Memory:isTrue("enabled") and _("Sync is on.") or _("Sync is off.")
    Screen.send{ done = function() if Memory:has("untold") then Screen.tell(nil, text) end end }
end

--- What a person asked for by menu or gesture: for this book, else for the open one. Of a book that is open the lines tell
-- what is live; what a closed one holds goes along with the wish to sync it.
function Screen.act(name, args, book)
    local body = { book = book or (Screen.reader.stretch or {}).book, args = args or rapidjson.object() }
    local isOpen = book and (Screen.reader.ui.document or {}).file == book.file
    if name == "sync_book" and book and not isOpen then body.reading, body.annotations = Books.closed(book.file) end
    local wish = { path = "/v1/actions/" .. name, body = body, done = Screen.tell, wifi = true }
    if name == "toggle_sync" then toggle() else Screen.send(wish) end
    return true
end

return Handoff
