--- JSON as the spool needs it: fields in a fixed order, `[]` for an empty list, always valid UTF-8.
local rapidjson = require("rapidjson")
local util = require("util")

local Json = { null = {} }
local List = {}
local RANK = {}
for rank, name in ipairs{
    "v", "id", "event", "at", "reason", "device", "name", "model", "koreader", "book", "reading", "annotations",
    "partial_md5", "file", "size", "title", "authors", "identifiers", "language",
    "percent", "page", "pages", "position", "turns", "dwell", "stars", "status",
} do RANK[name] = rank end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(text)
    text = util.fixUtf8(text, "\239\191\189")
    return '"' .. text:gsub('[%z\1-\31"\\\127]', function(c)
        return ESCAPES[c] or string.format("\\u%04x", c:byte())
    end) .. '"'
end

local function number(value)
    if value ~= value or value == math.huge or value == -math.huge then return "null" end
    local whole = value == math.floor(value) and math.abs(value) < 2 ^ 53
    return string.format(whole and "%d" or "%.14g", value)
end

local function fields(value)
    local keys = {}
    for key in pairs(value) do table.insert(keys, key) end
    table.sort(keys, function(a, b)
        local left, right = RANK[a] or math.huge, RANK[b] or math.huge
        if left ~= right then return left < right end
        return tostring(a) < tostring(b)
    end)
    return keys
end

--- Text of a value; a table is a list if it was made by Json.list or has a first element.
function Json.encode(value, key)
    local kind = type(value)
    if kind == "string" then return quote(value) end
    if kind == "number" then return number(value) end
    if kind == "boolean" then return tostring(value) end
    if kind ~= "table" or value == Json.null then return "null" end
    local parts = {}
    -- KOReader keys `ext` by page number: never a list, not even from page 1 on.
    if getmetatable(value) == List or (#value > 0 and key ~= "ext") then
        for i = 1, #value do parts[i] = Json.encode(value[i]) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for i, name in ipairs(fields(value)) do
        parts[i] = quote(tostring(name)) .. ":" .. Json.encode(value[name], name)
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

--- A copy of a list that stays a list when it is empty.
function Json.list(items)
    local copy = {}
    for i, item in ipairs(items) do copy[i] = item end
    return setmetatable(copy, List)
end

local function withoutNulls(value)
    if type(value) ~= "table" then return value end
    for key, item in pairs(value) do
        if item == rapidjson.null then value[key] = nil else withoutNulls(item) end
    end
    return value
end

--- The table that a text holds, nulls left out; nil when it is no JSON object or list.
function Json.decode(text)
    local ok, value = pcall(rapidjson.decode, text)
    if ok and type(value) == "table" then return withoutNulls(value) end
    return nil, "not JSON"
end

return Json
