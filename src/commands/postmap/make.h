#pragma once
// Makes indexed tables from their source files, anew or on top of what is there.

#include "config/config.h"
#include "postmap/request.h"

namespace postmap {

// The exit status. Throws base::Fatal; the table that could not be made is as it was then.
int make_tables(const Request& request, const config::Config& config);   // from <table>
int amend_tables(const Request& request, const config::Config& config);  // -i: from standard input

}  // namespace postmap
