--- Work that can wait without stopping KOReader. Errors end in the log: let out of a callback, they would end KOReader.
local UIManager = require("ui/uimanager")
local logger = require("logger")

local Task = {}

local function log(ok, result)
    if ok then return result end
    logger.warn("BookLore Sync:", result)
end

--- Wraps a function so that its errors end in the log.
function Task.guarded(fn)
    return function(...) return log(pcall(fn, ...)) end
end

--- Wraps a function so that it runs as a task.
function Task.task(fn)
    return function(...) log(coroutine.resume(coroutine.create(fn), ...)) end
end

--- In a task: waits until what `begin` was given is called; the value of the first call.
function Task.await(begin)
    local task, called, waits, value = coroutine.running(), false, false, nil
    begin(function(result)
        if called then return end
        called, value = true, result
        if waits then log(coroutine.resume(task)) end
    end)
    waits = true
    if not called then coroutine.yield() end
    return value
end

--- In a task: waits so many seconds.
function Task.sleep(seconds)
    Task.await(function(wake) UIManager:scheduleIn(seconds, wake) end)
end

return Task
