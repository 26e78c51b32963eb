#pragma once
// A walk over the files of one queue folder and its hash directories (whose names have one character). Entries are told
// apart by what the directory says of them: no file is looked at.

#include <dirent.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace queue {

class Walk {
 public:
  enum class Into { hash_directories, nothing };
  explicit Walk(std::string top, Into into = Into::hash_directories);

  enum class Kind {
    file,
    directory_left,  // a hash directory, after all that is in it
    hash_directory,  // only when it is not looked into
    stranger         // a directory of another name, a link, a socket: not looked into
  };
  // The views live until the next call.
  struct Entry {
    Kind kind;
    std::string_view name;
    std::string_view path;
    ino_t inode;  // as the directory has it
  };
  std::optional<Entry> next();  // nothing: the end

  const std::string& path() const { return path_; }  // of the last entry
  int directory() const;                             // open on the directory in which the last entry lies
  // The first directory that could not be read; one that is gone counts as empty.
  const std::optional<base::Error>& failure() const { return failure_; }

 private:
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  struct Level {
    std::unique_ptr<DIR, Close> stream;
    std::size_t path_length;  // of path_ up to and with this directory's slash
  };
  void enter(int parent, const char* name);
  void fail(std::string_view call);

  Into into_;
  std::vector<Level> levels_;
  std::string path_;
  std::optional<base::Error> failure_;
};

}  // namespace queue
