--- What waits in the spool, as the child reads it: line by line, with a report on each segment for its parent.
-- A report says how many lines of its segment the core has (`gone`), and whether it was deleted (`dropped`).
local Segments, Spool = require("booklorebridge_segments"), require("booklorebridge_spool")

local Backlog = {}

--- The lines one after the other, oldest first: each with the report on its segment, and its place among the lines there;
-- with id and device where it looks whole.
function Backlog.lines(reports)
    return coroutine.wrap(function()
        local list = Segments.list()
        for i, one in ipairs(list) do
            local at, gone = 0, (Spool.segments[one.number] or { gone = 0 }).gone
            local report = { name = one.name, number = one.number, gone = gone, last = i == #list }
            table.insert(reports, report)
            for text, id, device, _number, event in Segments.lines(one.name, report) do
                at = at + (event ~= "device" and 1 or 0)
                local told = { text = text, report = report, at = at, device = device, id = text:byte(-1) == 125 and id or nil } -- "}"
                if event ~= "device" and at > report.gone then coroutine.yield(told) end
            end
            report.count = at
        end
        local memory = { ids = {} }
        table.insert(reports, memory)
        for _i, one in ipairs(Spool.unwritten) do
            if one.text and one.weight > 0 then coroutine.yield{ text = one.text, report = memory, id = one.id, device = one.device } end
        end
    end)
end

--- Takes note that the core has a line, which is one. Lines behind one that it does not have are handed over once more.
function Backlog.arrived(one)
    local report = one.report
    if report.ids then table.insert(report.ids, one.id) elseif report.gone == one.at - 1 then report.gone = one.at end
    return 1
end

--- Deletes the segments that the core has as a whole; but not the last one while there is nothing in it.
function Backlog.clear(reports)
    for _i, report in ipairs(reports) do
        local whole = report.size and report.gone == report.count and not (report.last and report.count == 0)
        if whole and not report.dropped then report.dropped = Segments.drop(report.name, report.size) or nil end
    end
end

return Backlog
