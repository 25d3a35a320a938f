--- Questions of the core's, and the shim's own: dialogs, and a list where options need more than a button.
local Messages, guarded = require("booklorebridge_messages"), require("booklorebridge_guard")
local UIManager, rapidjson, _ = require("ui/uimanager"), require("rapidjson"), require("gettext")

local BUTTONS, LETTERS = 6, 40 -- what a dialog has room for
local prompt -- the last question that had to fit

-- Each line in the direction of its own script, where there are two: the bytes are those of Hebrew and Arabic letters.
local function legible(text)
    local Bidi = require("ui/bidi")
    return (text:find("[\214-\223]") or Bidi.rtlUIText()) and text:gsub("[^\n]+", Bidi.auto) or text
end

local function needsList(options)
    for _i, option in ipairs(options) do if tostring(option):find("\n") or #tostring(option) > LETTERS then return true end end
    return #options > BUTTONS
end

-- A list over the whole screen: a tap chooses, closing it cancels.
local function list(question, answer)
    local menu, items = nil, {}
    for i, option in ipairs(question.options) do
        local isDefault = question.default == i - 1
        items[i] = { text = legible(tostring(option)), bold = isDefault, callback = function() answer(i - 1) end }
    end
    menu = Messages.open("menu", {
        title = question.text, title_multilines = true, item_table = items, items_max_lines = 3,
        is_borderless = true, is_popout = false, covers_fullscreen = true,
        close_callback = guarded(function()
            UIManager:close(menu)
            answer()
        end),
    })
end

-- A row for each option, and what the chosen ones are: a tap chooses one and ends the dialog, or picks any.
local function options(question, button)
    local rows, picked, many = {}, {}, question.kind == "pick"
    for _i, index in ipairs(many and question.default or { question.default }) do picked[index] = true end
    for i, option in ipairs(question.options or {}) do
        local row = button(legible(tostring(option)), function() return i - 1 end)
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

local function dialog(question, answer)
    local shown
    local function button(text, value)
        return { text = text, callback = guarded(function()
            local result = value()
            UIManager:close(shown)
            answer(result)
        end) }
    end
    local kind, rows, indexes = question.kind or "confirm", options(question, button)
    local typed, number = kind == "ask", question.low or question.high or type(question.default) == "number"
    local function yes() return not typed or shown:getInputText() end
    local function no() if kind == "confirm" then return false end end
    local cancel = button(tostring(question.cancel or _("Cancel")), no)
    local ok = button(tostring(question.ok or _("OK")), indexes or yes)
    local skip = question.skip and button(tostring(question.skip), function() return "" end)
    cancel.id, ok.is_enter_default = "close", true
    if cancel.text ~= "" then table.insert(rows, { cancel, skip or kind ~= "choose" and ok or nil, skip and ok }) end
    shown = Messages.open(typed and "inputdialog" or "buttondialog", {
        title = question.text, buttons = rows, tap_close_callback = answer, input = tostring(question.default or ""),
        input_type = number and "number" or nil, text_type = question.secret and "password" or nil,
    })
    if typed then shown:onShowKeyboard() end
    return shown
end

--- Asks; done(value), once, with nil when it was cancelled. With `fits` only if it does once there is a screen to ask on,
-- and in place of the last question of that kind.
return function(question, done, fits)
    local function answer(value)
        local told = done
        done = nil
        if told then guarded(told)(value) end
    end
    local isList = question.kind == "choose" and needsList(question.options or {})
    Messages.awake(function()
        if not fits then return (isList and list or dialog)(question, answer) end
        if not fits() then return end
        Messages.close(prompt)
        prompt = dialog(question, answer)
    end)
end
