#pragma once

namespace logging {

// From here on, each byte of a text that is no ASCII becomes '?': without smtputf8_enable nobody expects another
// encoding in a log.
void log_only_ascii(bool wanted);

}  // namespace logging
