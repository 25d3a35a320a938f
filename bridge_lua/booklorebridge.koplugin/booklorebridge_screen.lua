--- Shows what the core says and asks, and nothing of its own but how many events wait.
local Files, Memory, guarded = require("booklorebridge_files"), require("booklorebridge_memory"), require("booklorebridge_guard")
local Messages, Spool = require("booklorebridge_messages"), require("booklorebridge_spool")
local UIManager, rapidjson, _ = require("ui/uimanager"), require("rapidjson"), require("gettext")

local Screen = { ask = require("booklorebridge_questions") }
-- `reader`: the instance of the plugin that lives now; Handoff puts `act` and `send` in, Menu `changed`
local SHOW, timers, underWay = {}, {}, {}

function SHOW.toast(one, wasAsked) (wasAsked and Messages.answer or Messages.notify)(tostring(one.text or "")) end
function SHOW.info(one) Messages.awake(function() Messages.open("textviewer", { title = one.title, text = one.text }) end) end
SHOW["goto"] = function(effect)
    local percent = Screen.reader:jump(effect)
    local text = percent and _("That place does not exist in this copy of the book: went to ") .. percent .. " %."
    if text and not Memory:isTrue("silent") then Messages.notify(text) end
end

-- One about a book has to fit when it is shown and when it is answered: the reader goes on meanwhile.
function SHOW.confirm(one)
    local fits = type(one.book) == "string" and function() return Screen.reader:isAt(one) end
    Screen.ask(one, function(ok)
        local isTooLate = ok and fits and not fits()
        if not isTooLate then return Screen.show(one[ok and "on_ok" or "on_cancel"], true) end
        Messages.answer(_("The book is not open at that page any more: nothing was changed."))
    end, fits)
end
-- The effect's book and args are the action's; the core ignores the rest of it.
function SHOW.schedule(effect) Screen.later(effect["in"], { path = "/v1/actions/" .. effect.action, body = effect }) end

-- The file goes first, then the action that it is for is asked with its name.
function SHOW.send_file(one)
    local says, wish = Files.KNOWN[one.name], { file = one.name, done = Screen.tell, wifi = true }
    if not says or not Files.state(one.name) then return Messages.answer(_("This device has no such file: ") .. one.name) end
    wish.says, wish.path, wish.body = says, "/v1/actions/" .. one["then"].action, { args = one["then"].args or {} }
    wish.body.args.file = one.name
    Screen.send(wish)
end

function SHOW.question(question)
    Screen.ask(question, function(value)
        if value == nil then value = rapidjson.null end
        Screen.send{ path = "/v1/answers/" .. question.id, body = { answer = value }, done = Screen.tell }
    end)
end

--- Sends a wish that nobody asked for, in so many seconds; one for the same that is still to come gives way.
function Screen.later(seconds, wish)
    local name = wish.path or "spool"
    if timers[name] then UIManager:unschedule(timers[name]) end
    timers[name] = guarded(function() Screen.send(wish) end)
    UIManager:scheduleIn(seconds, timers[name])
end

--- A wish is about to be carried out: says so to a person who waits for it. False while the same is under way.
function Screen.begin(wish)
    local done, name = wish.done, wish.path and wish.path .. rapidjson.encode(wish.body, { sort_keys = true }) or wish
    if underWay[name] then return false end
    underWay[name], wish.wasAsked = true, done ~= nil
    local isTold = done and not Memory:isTrue("silent") and not Messages.isAsleep()
    local asking = isTold and Messages.open("notification", { text = wish.says or _("Asking the core…"), timeout = false })
    wish.done = guarded(function(err)
        underWay[name] = nil
        Messages.close(asking)
        if done then done(err) end
        Screen.changed()
    end)
    return true
end

--- Shows a list of effects; kinds from a newer core are left out.
function Screen.show(effects, wasAsked)
    for _i, effect in ipairs(effects or {}) do if SHOW[effect.type] then guarded(SHOW[effect.type])(effect, wasAsked) end end
end

function Screen.waiting() return _("Events that wait on this device: ") .. Spool.waiting() end

--- Says why something that a person asked for did not happen; or, if it did, what is done.
function Screen.tell(err, done)
    local text = err and Screen.waiting() .. "\n" .. err or done
    if text and not Memory:isTrue("silent") then Messages.answer(text) end
end

return Screen
