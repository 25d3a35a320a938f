local _ = require("gettext")
local description = _("Writes down what you read, highlight and rate, and hands it to your BookLore Sync core.")
return { fullname = _("BookLore Sync"), description = description, version = "0.1.0" }
