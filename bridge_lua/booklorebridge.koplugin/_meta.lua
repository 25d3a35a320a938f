local _ = require("gettext")

return {
    fullname = _("BookLore Sync"),
    description = _([[Writes down what you read, highlight and rate, and hands it to your BookLore Sync core.]]),
}
