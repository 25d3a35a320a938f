--- What KOReader has in C, for measurements: clock, files, fsync and JSON do not pass through Python here.
local host, ko = ...
local ffi, real = require("ffi"), package.loaded.native

ffi.cdef[[
typedef struct { long tv_sec; long tv_nsec; } native_timespec;
int clock_gettime(int clock, native_timespec *at);
int fileno(void *file);
int fsync(int descriptor);
int statx(int folder, const char *path, int flags, unsigned asked, void *told);
]]

local at = ffi.new("native_timespec")
local function seconds() -- of the monotonic clock
    ffi.C.clock_gettime(1, at)
    return tonumber(at.tv_sec) + tonumber(at.tv_nsec) * 1e-9
end

local root = host.path("/settings"):sub(1, -#"/settings" - 1)
local INSIDE = { ["/setting"] = true, ["/mnt/onb"] = true, ["/proc/sy"] = true }
local function path(name) return INSIDE[name:sub(1, 8)] and root .. name or name end

ko.files = 0 -- that were opened
io.open = function(name, mode)
    ko.files = ko.files + 1
    return real.open(path(name), mode)
end
os.rename = function(from, to) return real.rename(path(from), path(to)) end
os.remove = function(name) return real.remove(path(name)) end

local told = ffi.new("uint8_t[256]") -- of a file, as statx lays it out
local lfs = package.preload["libs/libkoreader-lfs"]()
lfs.attributes = function(name, wanted)
    if ffi.C.statx(-100, path(name), 0, 0x7ff, told) ~= 0 then return nil end
    if wanted == "mode" then return bit.band(ffi.cast("uint16_t *", told + 28)[0], 0xf000) == 0x4000 and "directory" or "file" end
    return tonumber(ffi.cast("int64_t *", told + (wanted == "size" and 40 or 112))[0])
end
package.preload["libs/libkoreader-lfs"] = function() return lfs end

local time = { to_s = function(t) return t / 1e6 end }
time.monotonic = function() return seconds() * 1e6 end
time.boottime, time.boottime_or_monotonic = time.monotonic, time.monotonic
package.preload["ui/time"] = function() return time end
os.time = function() return math.floor(1795188851 + seconds()) end

local util = package.preload["ffi/util"]()
util.fsyncOpenedFile = function(file) return ffi.C.fsync(ffi.C.fileno(file)) == 0 end
package.preload["ffi/util"] = function() return util end
local words = package.preload.util()
words.fixUtf8 = function(text) return text end -- all of it is UTF-8 here
package.preload.util = function() return words end

-- Numbers with seventeen digits only where fifteen do not tell them.
local function number(value)
    if value % 1 == 0 and value > -1e15 and value < 1e15 then return tostring(value) end
    local short = ("%.15g"):format(value)
    return tonumber(short) == value and short or ("%.17g"):format(value)
end
local ESCAPED = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local function escaped(letter) return ESCAPED[letter] or ("\\u%04x"):format(letter:byte()) end
local function isPlain(value)
    local bytes = ffi.cast("const uint8_t *", value)
    for i = 0, #value - 1 do if bytes[i] < 32 or bytes[i] == 34 or bytes[i] == 92 then return false end end
    return true
end
local function text(value) return '"' .. (isPlain(value) and value or value:gsub('[%c"\\]', escaped)) .. '"' end

local buffer = require("string.buffer")
local write
local orders, keys = {}, {} -- of names in the order in which a table has them: sorted, and as they are written
local function order_of(value)
    local names = {}
    for name in pairs(value) do if type(name) == "string" then names[#names + 1] = name end end
    local known = table.concat(names, "\n")
    if not orders[known] then
        table.sort(names)
        orders[known], keys[known] = names, {}
        for i, name in ipairs(names) do keys[known][i] = (i > 1 and "," or "{") .. text(name) .. ":" end
    end
    return orders[known], keys[known]
end
local function members(out, value)
    local names, written = order_of(value)
    if #names == 0 then return out:put("{}") end
    for i = 1, #names do
        out:put(written[i])
        write(out, value[names[i]])
    end
    out:put("}")
end
function write(out, value)
    local kind = type(value)
    if kind == "string" and isPlain(value) then return out:put('"', value, '"') end
    if kind == "string" then return out:put(text(value)) end
    if kind == "number" then return out:put(number(value)) end
    if kind == "boolean" then return out:put(tostring(value)) end
    if kind ~= "table" then return out:put("null") end
    local mark = (getmetatable(value) or {}).__jsontype
    if mark ~= "array" and (mark or #value == 0) then return members(out, value) end
    out:put("[")
    for i = 1, #value do
        if i > 1 then out:put(",") end
        write(out, value[i])
    end
    out:put("]")
end

local rapidjson = package.preload.rapidjson()
rapidjson.encode = function(value)
    local out = buffer.new(65536)
    write(out, value)
    return out:tostring()
end
local decode = rapidjson.decode
rapidjson.decode = function(told) -- a long list of ids in Lua
    local list, rest = told:match('^{"ack":(%b[])(.*)$')
    if not list then return decode(told) end
    local answer, ids, count = decode('{"ack":[]' .. rest), {}, 0
    for id in list:gmatch('"([^"]*)"') do count, ids[count + 1] = count + 1, id end
    answer.ack = ids
    return answer
end
package.preload.rapidjson = function() return rapidjson end

--- Turns so many pages; the seconds that each kept the reader waiting. after: of the loop going round once.
function ko.turns(count, handler)
    local took, book, plugin = {}, ko.book, ko.plugin
    for i = 1, count do took[i] = 0 end
    for i = 1, count do
        book.page = book.page % (book.pages - 1) + 1
        local page, begun = book.page, seconds()
        local files = ko.files
        if handler then handler(plugin, page) else plugin:onPageUpdate(page) end
        took[i] = seconds() - begun
        assert(ko.files == files, "a page turn opens a file")
        ko.tick()
    end
    return took
end

ko.now = seconds

--- The seconds of one call.
function ko.timed(call, ...)
    local begun = seconds()
    call(...)
    return seconds() - begun
end

--- The least seconds in which a text is written to a new file and is on the disk.
function ko.written(name, bytes)
    local begun = seconds()
    local file = real.open(path(name), "ab")
    file:write(bytes)
    file:flush()
    ffi.C.fsync(ffi.C.fileno(file))
    file:close()
    return seconds() - begun
end
