#pragma once
// What is done to messages, one by one or to all of a folder. A message is only ever renamed or removed, in one step;
// it may move on while we look for it, so it is looked for again. What is still being written is left alone.

#include <functional>
#include <string>
#include <vector>

#include "postsuper/request.h"
#include "queue/spool.h"

namespace postsuper {

struct Totals {
  long requeued = 0;
  long deleted = 0;
  long expired = 0;
  long held = 0;
  long released = 0;
};

class Actions {
 public:
  // Lines of standard input, for the id "-".
  using NextLine = std::function<bool(std::string& line)>;
  // `workers` remove at a time when everything is removed.
  Actions(const queue::Spool& spool, std::vector<queue::Folder> folders, NextLine next_line, unsigned workers);

  // Everything that the request asks of messages. Throws base::Fatal when the disk does not do it.
  Totals run(const Request& request);

 private:
  enum class Outcome { done, not_needed, gone };
  struct Operation;

  void apply(const Operation& operation, const Targets& targets);
  void apply_to_id(const Operation& operation, const std::string& text);
  void apply_to_folder(const Operation& operation, queue::Folder folder);
  std::vector<queue::Folder> folders_of(const Operation& operation) const;

  // Of the message at `path`.
  Outcome remove(const std::string& path);
  Outcome move(const queue::Id& id, const std::string& from, queue::Folder to);
  Outcome requeue(const queue::Id& id, const std::string& path);
  Outcome expire(const std::string& path);
  void remove_logs(const queue::Id& id);
  void remove_all(const std::vector<queue::Folder>& folders, long& count);

  const queue::Spool& spool_;
  std::vector<queue::Folder> folders_;
  NextLine next_line_;
  unsigned workers_;
};

}  // namespace postsuper
