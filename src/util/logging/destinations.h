#pragma once
// Where events go.

#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "logging/log.h"

namespace logging {

// "<program>: <record>", one write a record; nothing for what is less than `from`.
std::unique_ptr<Destination> standard_error(Level from = Level::debug);

// RFC 3164 datagrams (or a stream, where that is what listens) to a local socket. What cannot be sent within a second
// is dropped, and the next records are not waited for until the listener is back.
std::unique_ptr<Destination> syslog_socket(const std::string& path, int facility);

// "Mon dd hh:mm:ss HOST postfix/postlog[123]: <record>", or the record alone when it is JSON; one append a record. The
// path
// "/dev/stdout" is standard output.
std::expected<std::unique_ptr<Destination>, base::Error> log_file(const std::string& path, unsigned mode, Form form);

// postlogd's socket, a datagram a record, as the line that stands in the log file at the end. While nobody takes them
// there, the program appends to the file itself, if it may; it may create it now, before privileges are given up.
// The error: there is neither now. What reaches neither later, or is not allowed to, is lost.
// `pipe`: master's pipe to postlogd (see line_pipe.h), which takes what fits as long as there is room; -1 for none.
std::expected<std::unique_ptr<Destination>, base::Error> postlog_socket(const std::string& path,
                                                                        const std::string& file, unsigned mode,
                                                                        Form form, int pipe = -1);

// "Mon dd hh:mm:ss", local time, in English.
std::string timestamp();

// Opens maillog_file, or makes it with this mode; "/dev/stdout" is standard output.
std::expected<base::Fd, base::Error> open_log_file(const std::string& path, unsigned mode);

}  // namespace logging
