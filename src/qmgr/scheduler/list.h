#pragma once
// Doubly linked lists through members of their elements: what is scheduled moves between lists all the time, and there
// are many of it.

#include <cstddef>

namespace qmgr::scheduler {

template <typename T>
struct Link {
  T* previous = nullptr;
  T* next = nullptr;
};

// Owns nothing. An element is in at most one list for each of its links.
template <typename T, Link<T> T::* kLink>
class List {
 public:
  bool empty() const { return first_ == nullptr; }
  T* front() const { return first_; }  // NOLINT: what is freed has left its list
  T* back() const { return last_; }
  static T* next(const T& element) { return (element.*kLink).next; }
  static T* previous(const T& element) { return (element.*kLink).previous; }

  void push_back(T& element) { insert_after(last_, element); }
  void push_front(T& element) { insert_after(nullptr, element); }
  // After nothing: at the front.
  void insert_after(T* position, T& element) {
    T* const following = position == nullptr ? first_ : next(*position);
    element.*kLink = {position, following};
    (position == nullptr ? first_ : (position->*kLink).next) = &element;
    (following == nullptr ? last_ : (following->*kLink).previous) = &element;
  }
  void erase(T& element) {
    const Link<T> link = element.*kLink;
    (link.previous == nullptr ? first_ : (link.previous->*kLink).next) = link.next;
    (link.next == nullptr ? last_ : (link.next->*kLink).previous) = link.previous;
    element.*kLink = {};
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace qmgr::scheduler
