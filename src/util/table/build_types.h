#pragma once
// Inside the library: how each type builds its file. `path` is that of the source; ownership is that of the new file.

#include "table/build.h"

namespace table {

using Built = std::expected<std::unique_ptr<Builder>, Error>;
using BuildType = Built (*)(const std::string& path, const Settings& settings, const Options& options,
                            const base::ReplacementFile::Ownership& ownership);

Built build_hash(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership& ownership);
Built build_btree(const std::string& path, const Settings& settings, const Options& options,
                  const base::ReplacementFile::Ownership& ownership);
Built build_lmdb(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership& ownership);
Built build_cdb(const std::string& path, const Settings& settings, const Options& options,
                const base::ReplacementFile::Ownership& ownership);
Built build_fail(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership& ownership);

Built amend_hash(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership& ownership);
Built amend_btree(const std::string& path, const Settings& settings, const Options& options,
                  const base::ReplacementFile::Ownership& ownership);
Built amend_lmdb(const std::string& path, const Settings& settings, const Options& options,
                 const base::ReplacementFile::Ownership& ownership);
Built amend_cdb(const std::string& path, const Settings& settings, const Options& options,
                const base::ReplacementFile::Ownership& ownership);

}  // namespace table
