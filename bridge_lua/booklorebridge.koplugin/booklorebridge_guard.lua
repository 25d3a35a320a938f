--- Wraps a function so that its errors end in the log: an error in a scheduled callback would end KOReader.
return function(fn)
    return function(...)
        local ok, result = pcall(fn, ...)
        if ok then return result end
        require("logger").warn("BookLore Sync:", result)
    end
end
