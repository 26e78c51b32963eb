#include "io/offload.h"

#include <sys/eventfd.h>

#include <csignal>
#include <system_error>

#include "io/offload_pool.h"
#include "io/scheduler.h"

namespace io::detail {

OffloadPool::OffloadPool(std::size_t most_threads)
    : most_threads_(most_threads), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
  threads_.reserve(most_threads);
}

OffloadPool::~OffloadPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  submitted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// Signals are for the loop's thread: a worker must not be the one that a handler runs on.
bool OffloadPool::add_thread() {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool added = true;
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::exception&) {  // no thread, or no memory for one
    added = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return added;
}

bool OffloadPool::submit(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    (last_waiting_ != nullptr ? last_waiting_->next : first_waiting_) = &job;
    last_waiting_ = &job;
    ++waiting_;
    if (waiting_ <= idle_ || threads_.size() == most_threads_ || add_thread() || !threads_.empty()) {
      submitted_.notify_one();
      return true;
    }
    first_waiting_ = last_waiting_ = nullptr;
    --waiting_;
  }
  return false;
}

void OffloadPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    submitted_.wait(lock, [this] { return first_waiting_ != nullptr || ending_; });
    --idle_;
    if (first_waiting_ == nullptr) return;
    Job& job = *first_waiting_;
    first_waiting_ = job.next;
    if (first_waiting_ == nullptr) last_waiting_ = nullptr;
    --waiting_;
    lock.unlock();
    (*job.work)();
    lock.lock();
    const bool tell = finished_ == nullptr;
    job.next = finished_;
    finished_ = &job;
    // Each write is an edge, so the counter need never be read.
    if (tell) ::eventfd_write(event_.get(), 1);
  }
}

void OffloadPool::collect() {
  Job* job = nullptr;
  {
    const std::lock_guard lock(mutex_);
    job = std::exchange(finished_, nullptr);
  }
  while (job != nullptr) {
    // The job is on its fiber's stack and gone once that runs, which is not before this returns.
    Job& one = *std::exchange(job, job->next);
    one.done = true;
    wake(*one.fiber);
  }
}

void run_offloaded(const std::function<void()>& work, Pace pace) {
  Fiber* fiber = running;
  if (fiber == nullptr) return work();
  Scheduler& loop = *fiber->scheduler;
  // A destructor of a cancelled fiber still gets its work done.
  if (loop.refuses_to_wait()) return work();
  const bool alone = pace == Pace::slow ? loop.fibers() == 1 : loop.nothing_else_is_ready();
  OffloadPool* pool = nullptr;
  try {
    if (!alone) pool = loop.pool();
  } catch (const std::exception&) {
    // Without threads it takes longer.
  }
  OffloadPool::Job job{&work, fiber};
  if (pool == nullptr || !pool->submit(job)) return work();
  fiber->cancellable = false;
  while (!job.done) loop.suspend(Clock::time_point::max());
  fiber->cancellable = true;
  loop.refuses_to_wait();
}

}  // namespace io::detail
