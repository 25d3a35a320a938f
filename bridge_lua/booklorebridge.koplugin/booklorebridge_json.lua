--- JSON as the spool needs it: fields in a fixed order, `[]` for an empty list, always valid UTF-8.
local rapidjson = require("rapidjson")
local util = require("util")

local Json = { null = {} }
local List = {}
local ORDER = " v id event at reason device name model koreader book reading annotations partial_md5 file size title"
    .. " authors identifiers language percent page pages position turns dwell stars status "

local function before(a, b)
    local left = ORDER:find(" " .. a .. " ", 1, true) or math.huge
    local right = ORDER:find(" " .. b .. " ", 1, true) or math.huge
    return left < right or (left == right and tostring(a) < tostring(b))
end

local function quote(text)
    return '"' .. util.fixUtf8(text, "\239\191\189"):gsub('[%z\1-\31"\\\127]', function(c)
        return (c == '"' or c == "\\") and "\\" .. c or string.format("\\u%04x", c:byte())
    end) .. '"'
end

local function number(value)
    if value ~= value or math.abs(value) == math.huge then return "null" end
    return string.format(value % 1 == 0 and math.abs(value) < 2 ^ 53 and "%d" or "%.14g", value)
end

--- Text of a value; a table is a list if Json.list made it or it has a first element.
function Json.encode(value, name)
    local kind, parts, keys = type(value), {}, {}
    if kind == "string" then return quote(value) end
    if kind == "number" then return number(value) end
    if kind == "boolean" then return tostring(value) end
    if kind ~= "table" or value == Json.null then return "null" end
    -- KOReader keys `ext` by page number: never a list, not even from page 1 on.
    if getmetatable(value) == List or (#value > 0 and name ~= "ext") then
        for i = 1, #value do parts[i] = Json.encode(value[i]) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for key in pairs(value) do table.insert(keys, key) end
    table.sort(keys, before)
    for i, key in ipairs(keys) do parts[i] = quote(tostring(key)) .. ":" .. Json.encode(value[key], key) end
    return "{" .. table.concat(parts, ",") .. "}"
end

--- A copy of a list that stays a list when it is empty.
function Json.list(items)
    local copy = {}
    for i, item in ipairs(items) do copy[i] = item end
    return setmetatable(copy, List)
end

local function withoutNulls(value)
    for key, item in pairs(value) do
        if item == rapidjson.null then value[key] = nil elseif type(item) == "table" then withoutNulls(item) end
    end
    return value
end

--- The table that a text holds, nulls left out; nil when it is no JSON object or list.
function Json.decode(text)
    local ok, value = pcall(rapidjson.decode, text or "")
    return ok and type(value) == "table" and withoutNulls(value) or nil
end

return Json
