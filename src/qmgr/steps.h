#pragma once
// Every step at which qmgr changes the disk: the crash points that tests fail one by one.

#include <array>

#include "disk/disk.h"

namespace qmgr::step {

constexpr disk::Step kRecover = "qmgr.recover";        // active -> incoming, at the start
constexpr disk::Step kActivate = "qmgr.activate";      // incoming or deferred -> active
constexpr disk::Step kPostpone = "qmgr.postpone";      // a later time for a message that stays where it is
constexpr disk::Step kUnthrottle = "qmgr.unthrottle";  // the wish for delivery now is taken off the file's mode
constexpr disk::Step kForgetDelay = "qmgr.forget";     // defer/<id> of the attempt before
constexpr disk::Step kDefer = "qmgr.defer";    // active -> deferred (or incoming -> deferred), with the next time
constexpr disk::Step kRemove = "qmgr.remove";  // active/<id>: the message has reached its end
constexpr disk::Step kSpare = "qmgr.spare";    // instead: active/<id> -> spare/<id>
constexpr disk::Step kSpareSync = "qmgr.spare.sync";    // the names that the file had are gone for good
constexpr disk::Step kSpareWaste = "qmgr.spare.waste";  // spare/<id> that nobody wants
constexpr disk::Step kCorrupt = "qmgr.corrupt";         // -> corrupt

inline constexpr std::array kAll = {kRecover, kActivate, kPostpone,  kUnthrottle, kForgetDelay, kDefer,
                                    kRemove,  kSpare,    kSpareSync, kSpareWaste, kCorrupt};

}  // namespace qmgr::step
