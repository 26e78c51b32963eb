#pragma once
// Which message is looked at next. New mail that was announced by name comes first among new mail; new mail and
// deferred mail take turns, so that neither holds the other up.

#include <deque>
#include <optional>

#include "queue/id.h"
#include "queue/spool.h"

namespace qmgr {

struct Candidate {
  queue::Id id;
  queue::Folder folder;
  bool announced = false;     // cleanup has just told of it
  bool ignore_times = false;  // somebody wants all mail to be tried
  bool flush = false;         // ... even over transports that do not deliver by themselves
};

class Feed {
 public:
  explicit Feed(const queue::Spool& spool)
      : incoming_(spool, queue::Folder::incoming), deferred_(spool, queue::Folder::deferred) {}

  void announce(queue::Id id);
  // A scan that is on its way goes on, and is followed by another one.
  struct Wishes {
    bool ignore_times = false;
    bool flush = false;
  };
  void scan_incoming(const Wishes& wishes) { incoming_.request(wishes); }
  void scan_deferred(const Wishes& wishes) { deferred_.request(wishes); }

  std::optional<Candidate> next();
  bool empty() const { return announced_.empty() && incoming_.idle() && deferred_.idle(); }
  // After trouble with the file system: what was announced is found again by a scan.
  void drop_announced();

 private:
  class Source {
   public:
    Source(const queue::Spool& spool, queue::Folder folder) : spool_(spool), folder_(folder) {}
    void request(const Wishes& wishes);
    std::optional<Candidate> next();
    bool idle() const { return !scan_ && !requested_; }

   private:
    const queue::Spool& spool_;
    queue::Folder folder_;
    std::optional<queue::FolderScan> scan_;
    Wishes wishes_;  // of this scan
    bool requested_ = false;
    Wishes requested_wishes_;
  };
  std::optional<Candidate> next_new();

  std::deque<queue::Id> announced_;
  Source incoming_;
  Source deferred_;
  bool turn_of_deferred_ = false;
};

}  // namespace qmgr
