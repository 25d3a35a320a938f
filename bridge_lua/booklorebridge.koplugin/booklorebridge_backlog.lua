--- What waits in the spool, as the child reads it: line by line, with a report on each segment for its parent.
-- A report says how many lines of its segment the core has (`gone`), and whether it was deleted (`dropped`).
local Segments = require("booklorebridge_segments")
local Spool = require("booklorebridge_spool")

local Backlog = {}

--- Visits one line after the other, oldest first, with the report on its segment and its place among the lines there.
-- It goes on for as long as visit(text, report, place) returns true; true at the end.
function Backlog.each(reports, visit)
    local list = Segments.list()
    for i, one in ipairs(list) do
        local at, report = 0, { name = one.name, number = one.number, gone = Spool.gone(one.number), last = i == #list }
        table.insert(reports, report)
        for text, _device, _number, event in Segments.lines(one.name, report) do
            at = at + (event ~= "device" and 1 or 0)
            if event ~= "device" and at > report.gone and not visit(text, report, at) then return false end
        end
        report.count = at
    end
    local memory = { ids = {} }
    table.insert(reports, memory)
    for at, text in ipairs(Spool.unwritten()) do
        if not visit(text, memory, at) then return false end
    end
    return true
end

--- Takes note that the core has a line. Lines behind one that it does not have are handed over once more.
function Backlog.arrived(report, at, id)
    if report.ids then table.insert(report.ids, id) elseif report.gone == at - 1 then report.gone = at end
end

--- Deletes the segments that the core has as a whole; but not the last one while there is nothing in it.
function Backlog.clear(reports)
    for _i, report in ipairs(reports) do
        local whole = report.size and report.gone == report.count and not (report.last and report.count == 0)
        if whole and not report.dropped then report.dropped = Segments.drop(report.name, report.size) or nil end
    end
end

return Backlog
