--- Whole files: reading one, and replacing one so that it holds the old or the new text, never half of it.
local ffiUtil = require("ffi/util")

local File = {}

--- Writes and flushes, to the disk itself when durable; nil and the reason when the disk refuses.
function File.put(file, text, durable)
    local ok, err = file:write(text)
    if ok then ok, err = file:flush() end
    if ok and durable then ok, err = ffiUtil.fsyncOpenedFile(file) end
    if not ok then return nil, err end
    return true
end

function File.read(path)
    local file, err = io.open(path, "rb")
    if not file then return nil, err end
    local text = file:read("*a")
    file:close()
    return text
end

function File.replace(path, text)
    local file, err = io.open(path .. ".new", "wb")
    if not file then return nil, err end
    local ok
    ok, err = File.put(file, text, true)
    file:close()
    if ok then return os.rename(path .. ".new", path) end
    os.remove(path .. ".new")
    return nil, err
end

return File
