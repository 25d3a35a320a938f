--- Shows what the core says and asks, and nothing of its own but how many events wait.
local Memory = require("booklorebridge_memory")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local guarded = require("booklorebridge_guard")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local Screen = {} -- `reader`: the instance of the plugin that lives now; Handoff puts `act` and `send` in
local SHOW, timers = {}, {}

-- Text that is no text would end KOReader when it is painted, where nothing is guarded.
local function open(widget, options)
    options.text, options.title = tostring(options.text or ""), tostring(options.title or "")
    local shown = require("ui/widget/" .. widget):new(options)
    UIManager:show(shown)
    return shown
end

function SHOW.toast(effect) open("infomessage", { text = effect.text, timeout = 4 }) end
function SHOW.info(effect) open("textviewer", { title = effect.title, text = effect.text }) end
SHOW["goto"] = function(effect) Screen.reader:jump(effect) end

function SHOW.confirm(one) Screen.ask(one, function(ok) Screen.show(one[ok and "on_ok" or "on_cancel"]) end) end
-- The effect's book and args are the action's; the core ignores the rest of it.
function SHOW.schedule(effect) Screen.later(effect["in"], { path = "/v1/actions/" .. effect.action, body = effect }) end

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

--- Shows a list of effects; kinds from a newer core are left out.
function Screen.show(effects)
    for _i, effect in ipairs(effects or {}) do
        if SHOW[effect.type] then guarded(SHOW[effect.type])(effect) end
    end
end

function Screen.waiting() return _("Events that wait on this device: ") .. Spool.waiting() end

--- Says why something that a person asked for did not happen; or, if it did, what is done.
function Screen.tell(err, done)
    local text = err and Screen.waiting() .. "\n" .. tostring(err) or done
    if text and not Memory:isTrue("silent") then SHOW.toast{ text = text } end
end

-- A row for each option, and what the chosen ones are: a tap chooses one and ends the dialog, or picks any.
local function options(question, button)
    local rows, picked, many = {}, {}, question.kind == "pick"
    for _i, index in ipairs(many and question.default or { question.default }) do picked[index] = true end
    for i, option in ipairs(question.options or {}) do
        local row = button(option, function() return i - 1 end)
        if many then row.callback = function() picked[i - 1] = not picked[i - 1] end end
        row.checked_func, row.no_refresh_checkmark = function() return picked[i - 1] == true end, not many
        rows[i] = { row }
    end
    return rows, many and function()
        local indexes = rapidjson.array()
        for i = 0, #rows - 1 do if picked[i] then table.insert(indexes, i) end end
        return indexes
    end
end

--- Asks a question of the core's; done(value), once, with nil when it was cancelled.
function Screen.ask(question, done)
    local dialog
    local function answer(value)
        if done then guarded(done)(value) end
        done = nil
    end
    local function button(text, value)
        return { text = tostring(text), callback = guarded(function()
            local result = value()
            UIManager:close(dialog)
            answer(result)
        end) }
    end
    local kind, rows, indexes = question.kind or "confirm", options(question, button)
    local typed, number = kind == "ask", question.low or question.high or type(question.default) == "number"
    local function yes() return not typed or dialog:getInputText() end
    local function no() if kind == "confirm" then return false end end
    local cancel, ok = button(question.cancel or _("Cancel"), no), button(question.ok or _("OK"), indexes or yes)
    cancel.id, ok.is_enter_default = "close", true
    table.insert(rows, { cancel, kind ~= "choose" and ok or nil })
    dialog = open(typed and "inputdialog" or "buttondialog", {
        title = question.text, buttons = rows, tap_close_callback = answer, input = tostring(question.default or ""),
        input_type = number and "number" or nil, text_type = question.secret and "password" or nil,
    })
    if typed then dialog:onShowKeyboard() end
end

return Screen
