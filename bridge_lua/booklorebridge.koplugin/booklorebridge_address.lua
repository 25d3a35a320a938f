--- A core's address as a person types it: completed, or refused before anything is asked with it.
local _ = require("gettext")

local Address = {}

--- The address with its scheme and without a slash at its end; else nil, and a sentence that says what is wrong.
function Address.normalise(text)
    local typed = type(text) == "string" and text:match("^%s*(.-)[%s/]*$") or ""
    if typed == "" then return nil, _("There is no address.") end
    if typed:find("[%s%c]") then return nil, _("An address has no spaces: ") .. typed:gsub("[%s%c]", " ") end
    local scheme, rest = typed:match("^([%a][%w+.-]*)://(.*)$")
    scheme, rest = (scheme or "http"):lower(), (rest or typed) .. "/"
    if not scheme:find("^https?$") then return nil, _("An address begins with http:// or https://: ") .. typed end
    local host, port, path = rest:match("^(%[[%x:.]+%])(:?%d*)(/[^?#\\]*)$")
    if not host then host, port, path = rest:match("^([^/:@?#%[%]\\]+)(:?%d*)(/[^?#\\]*)$") end
    local number = port == "" and 80 or tonumber((port or ""):sub(2)) or 0
    if number < 1 or number > 65535 then return nil, _("This is no address, like http://192.168.1.2:8765: ") .. typed end
    return scheme .. "://" .. host .. port .. path:sub(1, -2)
end

return Address
