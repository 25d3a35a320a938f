--- Shows what the core says and asks, and nothing of its own but how many events wait.
local Json = require("booklorebridge_json")
local Memory = require("booklorebridge_memory")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local guarded = require("booklorebridge_guard")
local ffiUtil = require("ffi/util")
local _ = require("gettext")

local Screen = {} -- `plugin`: the instance that lives now
local SHOW, ASK, timers = {}, {}, {}

-- Text that is no text would end KOReader when it is painted, where nothing is guarded.
local function open(widget, options)
    options.text, options.title = tostring(options.text or ""), tostring(options.title or "")
    local shown = require("ui/widget/" .. widget):new(options)
    UIManager:show(shown)
    return shown
end

function Screen.toast(text)
    if not Memory.get().silent then SHOW.toast{ text = text } end
end

--- "3 events wait on this device."
function Screen.waitingText()
    local count = Spool.count()
    if count == 1 then return _("1 event waits on this device.") end
    return ffiUtil.template(_("%1 events wait on this device."), count)
end

--- Says how many events wait, and why, unless the core answered.
function Screen.unless(answered, err)
    if not answered then Screen.toast(Screen.waitingText() .. (err and "\n" .. tostring(err) or "")) end
end

function Screen.confirm(text, ok, cancel, done)
    open("confirmbox", {
        text = text, ok_text = ok, ok_callback = guarded(function() done(true) end),
        cancel_text = cancel, cancel_callback = guarded(function() done(false) end),
    })
end

function Screen.book()
    return Screen.plugin and Screen.plugin.book
end

--- Tells the plugin that lives now that sync was switched on or off.
Screen.enabled = guarded(function(on)
    if Screen.plugin then Screen.plugin:switched(on) end
end)

--- Shows a list of effects; kinds from a newer core are left out.
function Screen.show(effects)
    for _i, effect in ipairs(effects or {}) do
        if SHOW[effect.type] then guarded(SHOW[effect.type])(effect) end
    end
end

function SHOW.toast(effect)
    open("infomessage", { text = effect.text, timeout = 4 })
end

function SHOW.info(effect)
    open("textviewer", { title = effect.title, text = effect.text })
end

SHOW["goto"] = function(effect)
    local book = Screen.book()
    if book and book.partial_md5 == effect.book then Screen.plugin:jump(effect.position, effect.percent) end
end

function SHOW.confirm(effect)
    Screen.confirm(effect.text, effect.ok, effect.cancel, function(yes)
        Screen.show(yes and effect.on_ok or effect.on_cancel)
    end)
end

function SHOW.schedule(effect)
    if timers[effect.action] then UIManager:unschedule(timers[effect.action]) end
    timers[effect.action] = guarded(function() Screen.scheduled(effect.action) end)
    UIManager:scheduleIn(effect["in"], timers[effect.action])
end

function SHOW.question(question)
    local answered = false
    ASK[question.kind](question, guarded(function(value)
        if not answered then Screen.answer(question.id, value) end
        answered = true
    end))
end

function ASK.confirm(question, answer)
    Screen.confirm(question.text, question.ok, question.cancel, answer)
end

local function closing(dialog, answer, value)
    return guarded(function()
        UIManager:close(dialog.widget)
        answer(value and value())
    end)
end

local function options(question, answer, button, ok)
    local dialog, rows = {}, {}
    for i, option in ipairs(question.options or {}) do rows[i] = { button(i - 1, option, dialog) } end
    table.insert(rows, { { text = _("Cancel"), callback = closing(dialog, answer) }, ok and ok(dialog) })
    dialog.widget = open("buttondialog", { title = question.text, buttons = rows, tap_close_callback = answer })
end

function ASK.choose(question, answer)
    options(question, answer, function(index, option, dialog)
        local function chosen() return index end
        local checked = question.default == index and chosen or nil
        return { text = tostring(option), checked_func = checked, callback = closing(dialog, answer, chosen) }
    end)
end

function ASK.pick(question, answer)
    local picked = {}
    for _i, index in ipairs(question.default or {}) do picked[index] = true end
    local function indexes()
        local list = {}
        for i = 0, #question.options - 1 do if picked[i] then table.insert(list, i) end end
        return Json.list(list)
    end
    options(question, answer, function(index, option)
        return { text = tostring(option), checked_func = function() return picked[index] == true end,
            callback = function() picked[index] = not picked[index] end }
    end, function(dialog)
        return { text = _("OK"), callback = closing(dialog, answer, indexes) }
    end)
end

function ASK.ask(question, answer)
    local dialog, numeric = {}, type(question.default) == "number"
    local function typed()
        return numeric and dialog.widget:getInputValue() or dialog.widget:getInputText()
    end
    dialog.widget = open("inputdialog", {
        title = question.text, input = tostring(question.default or ""), input_type = numeric and "number" or nil,
        buttons = { {
            { text = _("Cancel"), id = "close", callback = closing(dialog, answer) },
            { text = _("OK"), is_enter_default = true, callback = closing(dialog, answer, typed) },
        } },
    })
    dialog.widget:onShowKeyboard()
end

return Screen
