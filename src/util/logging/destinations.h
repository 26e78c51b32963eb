#pragma once
// Where events go.

#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "logging/log.h"

namespace logging {

// "<program>: <record>", one write a record.
std::unique_ptr<Destination> standard_error();

// RFC 3164 datagrams (or a stream, where that is what listens) to a local socket. What cannot be sent within a second
// is dropped, and the next records are not waited for until the listener is back.
std::unique_ptr<Destination> syslog_socket(const std::string& path, int facility);

// "Mon dd hh:mm:ss HOST postfix/postlog[123]: <record>", or the record alone when it is JSON; one append a record. The
// path
// "/dev/stdout" is standard output.
std::expected<std::unique_ptr<Destination>, base::Error> log_file(const std::string& path, unsigned mode, Form form);

}  // namespace logging
