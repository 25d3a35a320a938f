--- Shows what the core says and asks, and nothing of its own but how many events wait.
local Memory = require("booklorebridge_memory")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local ffiUtil = require("ffi/util")
local guarded = require("booklorebridge_guard")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local Screen = {} -- `reader`: the instance of the plugin that lives now; Handoff puts `act` and `send` in
local SHOW, ASK, timers = {}, {}, {}

-- Text that is no text would end KOReader when it is painted, where nothing is guarded.
local function open(widget, options)
    options.text, options.title = tostring(options.text or ""), tostring(options.title or "")
    local shown = require("ui/widget/" .. widget):new(options)
    UIManager:show(shown)
    return shown
end

function SHOW.toast(effect)
    open("infomessage", { text = effect.text, timeout = 4 })
end

function SHOW.info(effect)
    open("textviewer", { title = effect.title, text = effect.text })
end

SHOW["goto"] = function(effect)
    local reader = Screen.reader
    if reader and reader.book and reader.book.partial_md5 == effect.book then reader:jump(effect) end
end

function SHOW.schedule(effect)
    UIManager:unschedule(timers[effect.action])
    timers[effect.action] = guarded(function() Screen.send{ path = "/v1/actions/" .. effect.action, body = {} } end)
    UIManager:scheduleIn(effect["in"], timers[effect.action])
end

function SHOW.confirm(effect)
    Screen.ask(effect, function(yes) Screen.show(yes and effect.on_ok or effect.on_cancel) end)
end

function SHOW.question(question)
    Screen.ask(question, function(value)
        if value == nil then value = rapidjson.null end
        Screen.send{ path = "/v1/answers/" .. question.id, body = { answer = value }, done = Screen.tell }
    end)
end

--- Shows a list of effects; kinds from a newer core are left out.
function Screen.show(effects)
    for _i, effect in ipairs(effects or {}) do
        if SHOW[effect.type] then guarded(SHOW[effect.type])(effect) end
    end
end

function Screen.toast(text)
    if not Memory:isTrue("silent") then SHOW.toast{ text = text } end
end

--- "3 events wait on this device."
function Screen.waiting()
    local count = #Spool.lines()
    return ffiUtil.template(_.ngettext("1 event waits on this device.", "%1 events wait on this device.", count), count)
end

--- Says why something that a person asked for did not happen.
function Screen.tell(err)
    if err then Screen.toast(Screen.waiting() .. "\n" .. tostring(err)) end
end

-- Buttons that end their dialog with a value, once; `value` may be a function.
function ASK.confirm(question, button)
    return "buttondialog", { { button(question.cancel or _("Cancel"), false), button(question.ok or _("OK"), true) } }
end

function ASK.choose(question, button)
    local rows = {}
    for i, option in ipairs(question.options) do
        local chosen = question.default == i - 1
        rows[i] = { button(option, i - 1, chosen and function() return true end or nil) }
    end
    table.insert(rows, { button(_("Cancel")) })
    return "buttondialog", rows
end

function ASK.pick(question, button)
    local rows, picked = {}, {}
    for _i, index in ipairs(question.default or {}) do picked[index] = true end
    for i, option in ipairs(question.options) do
        rows[i] = { {
            text = tostring(option), checked_func = function() return picked[i - 1] == true end,
            callback = function() picked[i - 1] = not picked[i - 1] end,
        } }
    end
    table.insert(rows, { button(_("Cancel")), button(question.ok or _("OK"), function()
        local indexes = rapidjson.array()
        for i = 0, #question.options - 1 do if picked[i] then table.insert(indexes, i) end end
        return indexes
    end) })
    return "buttondialog", rows
end

function ASK.ask(question, button)
    local function typed(dialog) return dialog:getInputText() end
    local cancel, ok = button(_("Cancel")), button(question.ok or _("OK"), typed)
    cancel.id, ok.is_enter_default = "close", true
    return "inputdialog", { { cancel, ok } }
end

--- Asks a question of the core's; done(value), nil for cancelled.
function Screen.ask(question, done)
    local dialog, answered
    local function answer(value)
        if not answered then guarded(done)(value) end
        answered = true
    end
    local function button(text, value, checked)
        return { text = tostring(text), checked_func = checked, callback = guarded(function()
            local result = type(value) == "function" and value(dialog) or value
            UIManager:close(dialog)
            answer(result)
        end) }
    end
    local numeric = question.low or question.high or type(question.default) == "number"
    local widget, rows = ASK[question.kind or "confirm"](question, button)
    dialog = open(widget, {
        title = question.text, buttons = rows, tap_close_callback = answer,
        input = question.default and tostring(question.default), input_type = numeric and "number" or nil,
        text_type = question.secret and "password" or nil,
    })
    if widget == "inputdialog" then dialog:onShowKeyboard() end
end

return Screen
