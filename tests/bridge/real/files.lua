--- A file that an action of the core's asks for, as a person sees it who chose that action in the menu.
local FileManager = require("apps/filemanager/filemanager")
local Person = require("person")
local UIManager = require("ui/uimanager")
local lfs = require("libs/libkoreader-lfs")
local time = require("ui/time")

local SETTINGS = require("datastorage"):getSettingsDir()

-- The files of the database, with all that a change of them would change.
local function state()
    local found = {}
    for name in lfs.dir(SETTINGS) do
        local about = name:find("^statistics") and lfs.attributes(SETTINGS .. "/" .. name)
        if about then found[name] = ("%d bytes, inode %d, of %d"):format(about.size, about.ino, about.modification) end
    end
    return found
end

FileManager:showFiles(Person.books)
Person.wait(3)
local before = state()
local menu = Person.openMenu(FileManager.instance)
Person.choose(menu, "Count pages")
Person.tap(Person.await("Count the pages in the statistics?"), "OK")
local sending = Person.await("The reading history goes to the core…")

local text, turns, longest = os.getenv("COUNTED"), 0, 0
local shown
repeat
    local began = time.monotonic()
    UIManager:handleInput()
    turns, longest = turns + 1, math.max(longest, time.to_s(time.monotonic() - began))
    for _, window in ipairs(UIManager._window_stack) do if window.widget.text == text then shown = window.widget end end
until shown or turns > 2000
Person.tell("counted", { isShown = shown ~= nil, isGone = not UIManager:isWidgetShown(sending), toast = sending.toast })
Person.tell("untouched", { before = before, after = state() })
Person.tell("loop", { turns = turns, longest = longest })
if shown then UIManager:close(shown) end
menu:closeMenu()
Person.wait(0.5)
Person.tell("end", { windows = #UIManager._window_stack })
os.exit(0, false)
