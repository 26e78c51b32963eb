#pragma once
// The worker threads behind offload(). They know nothing of fibers: a wait inside the work blocks its thread.

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fd.h"

namespace io::detail {

struct Fiber;

class OffloadPool {
 public:
  struct Job {
    const std::function<void()>* work;
    Fiber* fiber;
    bool done = false;  // belongs to the loop's thread, as does the fiber
    Job* next = nullptr;
  };

  explicit OffloadPool(std::size_t most_threads);  // throws std::system_error
  ~OffloadPool();                                  // no job may be under way
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;

  // The job must live until it is done. False: the system gives no thread at all.
  bool submit(Job& job);
  int event_fd() const { return event_.get(); }  // written to when there is something to collect
  void collect();                                // marks what is finished as done and wakes its fibers

 private:
  bool add_thread();
  void work();

  std::size_t most_threads_;
  base::Fd event_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable submitted_;
  Job* first_waiting_ = nullptr;
  Job* last_waiting_ = nullptr;
  Job* finished_ = nullptr;
  std::size_t idle_ = 0;
  std::size_t waiting_ = 0;
  bool ending_ = false;
};

}  // namespace io::detail
