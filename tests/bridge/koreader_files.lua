--- Clocks, files, JSON and settings.
local host, ko = ...
local class, provide = ko.class, ko.provide

local real_open, real_rename, real_remove = io.open, os.rename, os.remove
os.time = function(t) return t and error("unexpected") or host.wall() end
os.execute = function(command) table.insert(ko.log, "execute " .. command) return 0 end
os.rename = function(from, to)
    host.operate()
    return real_rename(host.path(from), host.path(to))
end
os.remove = function(path)
    host.operate()
    return real_remove(host.path(path))
end
io.open = function(path, mode)
    host.operate()
    table.insert(ko.opened, { path = path, mode = mode })
    -- A full disk still has room for a name.
    local refused = host.full() and mode ~= "rb" and mode ~= "abx" and path:find("booklorebridge")
    return real_open(refused and "/dev/full" or host.path(path), mode)
end

provide("logger", { warn = function(...)
    local words = { ... }
    for i, word in ipairs(words) do words[i] = tostring(word) end
    table.insert(ko.log, table.concat(words, " "))
end })
provide("gettext", setmetatable({ ngettext = function(one, many, n) return n == 1 and one or many end }, {
    __call = function(_, text) return text end,
}))
provide("datastorage", { getSettingsDir = function() return "/settings" end })
ko.device = { model = "Kobo_nova", screen_saver_mode = false }
provide("device", ko.device)
provide("version", { getCurrentRevision = function() return "v2026.08" end })
provide("libs/libkoreader-lfs", {
    attributes = function(path, name) return host.attribute(path, name) end,
    mkdir = function(path)
        host.operate()
        return host.make_folder(path)
    end,
    dir = function(path)
        local open = { names = host.names(path), at = 0 }
        return function(folder)
            folder.at = folder.at + 1
            return folder.names[folder.at]
        end, open
    end,
})
provide("ffi/sha2", { md5 = function(text) return host.md5(text) end })
local function equals(one, other)
    if type(one) ~= "table" or type(other) ~= "table" then return one == other end
    for key, part in pairs(one) do if not equals(part, other[key]) then return false end end
    for key in pairs(other) do if one[key] == nil then return false end end
    return true
end
provide("util", {
    tableEquals = equals,
    fixUtf8 = function(text, replacement) return host.fix_utf8(text, replacement) end,
    partialMD5 = function(path) return host.partial_md5(path) end,
    findFiles = function(folder, found)
        for _, path in ipairs(host.files_below(folder)) do found(path) end
    end,
    splitToArray = function(text, separator)
        local parts = {}
        for part in text:gmatch("[^" .. separator .. "]+") do table.insert(parts, part) end
        return parts
    end,
    readFromFile = function(path, mode)
        local file, err = io.open(path, mode)
        if not file then return nil, err end
        local text = file:read("*a")
        file:close()
        return text
    end,
})

-- The clock that goes on in sleep is not there on every system; then it says 0, and another one stands in for it.
local time = { monotonic = function() return host.mono() * 1e6 end, to_s = function(t) return t / 1e6 end }
time.boottime = function() return host.boottime() and host.boottime() * 1e6 or 0 end
time.boottime_or_monotonic = host.boottime() and time.boottime or time.monotonic
provide("ui/time", time)

-- Like the real one it tells a list from an object by a mark, else by a first element, and leaves out keys that are no
-- text; what is no JSON value is an error.
local null = newproxy()
local ARRAY, OBJECT = { __jsontype = "array" }, { __jsontype = "object" }
local function kind_of(value)
    local mark = (getmetatable(value) or {}).__jsontype
    return mark or #value > 0 and "array" or "object"
end
provide("rapidjson", {
    null = null,
    array = function(t) return setmetatable(t or {}, ARRAY) end,
    object = function(t) return setmetatable(t or {}, OBJECT) end,
    decode = function(text) return host.json_decode(text, null, ARRAY, OBJECT) end,
    load = function(path) return host.json_decode(assert(io.open(path, "rb")):read("*a"), null, ARRAY, OBJECT) end,
    encode = function(value) return host.json_encode(value, kind_of) end,
})

-- LuaSettings: written in place, and read from the file's backup when it cannot be read.
local function spell(value)
    if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
    local parts = {}
    for key, item in pairs(value) do table.insert(parts, ("[%s] = %s"):format(spell(key), spell(item))) end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

ko.spell = spell

local LuaSettings = class()
function LuaSettings:open(path)
    local file = io.open(path, "rb")
    local ok, data = pcall(loadstring(file and file:read("*a") or "") or error)
    if file then file:close() end
    local settings = self:new{ file = path, data = ok and data or {} }
    table.insert(ko.settings, settings)
    return settings
end
function LuaSettings:readSetting(key) return self.data[key] end
function LuaSettings:saveSetting(key, value) self.data[key] = value return self end
function LuaSettings:delSetting(key) self.data[key] = nil return self end
function LuaSettings:has(key) return self.data[key] ~= nil end
function LuaSettings:hasNot(key) return self.data[key] == nil end
function LuaSettings:isTrue(key) return self.data[key] == true end
function LuaSettings:isFalse(key) return self.data[key] == false end
function LuaSettings:nilOrTrue(key) return self.data[key] == nil or self.data[key] == true end
function LuaSettings:flush()
    local file, text = io.open(self.file, "wb"), "return " .. spell(self.data)
    file:write(text)
    ko.flushed_bytes = ko.flushed_bytes + #text
    file:close()
    return self
end
provide("luasettings", LuaSettings)
