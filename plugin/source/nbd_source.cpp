#include "source/nbd_source.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace luksdetached {

namespace {

using Use = NbdLink::Use;

// preferred_request() is a multiple of the first and never more than the second.
constexpr std::size_t request_unit = std::size_t{64} << 10;
constexpr std::size_t enough = std::size_t{1} << 20;

constexpr std::size_t window = std::size_t{4} << 20;

// Requests without data are limited by their length's 32 bits alone.
constexpr std::uint64_t max_dataless_request = std::uint64_t{1} << 30;

// How many times the usual patience a request may take. A flush writes what a server has gathered.
constexpr unsigned usual = 1;
constexpr unsigned long_flush = 4;

// Of a write and the flush that makes it durable.
constexpr unsigned most_tries = 3;

enum class Answer { good, bad, none };

template <typename Action>
Answer answer_to(Action action) {
  try {
    action();
    return Answer::good;
  } catch (const ConnectionLost&) {
    return Answer::none;
  } catch (const Unanswered&) {
    return Answer::none;
  } catch (const Error&) {
    return Answer::bad;
  }
}

}  // namespace

NbdSource::NbdSource(std::unique_ptr<NbdConnector> connector, Access access, NbdLinkOptions options)
    : link_(std::move(connector), std::move(options)),
      export_(link_.first().exported()),
      limits_(link_.first().limits()),
      preferred_request_(std::max(
          std::min(limits_.max_request, enough) / request_unit * request_unit, request_unit)),
      preferred_window_(std::max(window / preferred_request_, std::size_t{1}) * preferred_request_),
      connections_(link_.first().count()),
      writable_(access == Access::read_write && !export_.read_only) {}

// Sends one request, and sends it again when the connection was lost before the answer came.
//
// An error that may be the loss of what is behind the server is believed where the same connection
// can still read. Storage tells of a failed `sync` once: one that is tried again may succeed, and
// the data are lost. So after such an error it is tried again only when the connection answered
// that it can read no more, over one that can.
template <typename Send>
void NbdSource::run(Use use, unsigned patience, bool sync, Send send) {
  using Clock = NbdLink::Clock;
  const auto limit = link_.answer_limit();
  // Waiting for the server and for its answer take their time, but there is an end. Whatever is
  // sent before has its whole time: a server that is not slow must not be given up.
  const auto last_send = Clock::now() + limit * 2;
  bool tried_again = false;
  for (;;) {
    const std::shared_ptr<NbdLanes> lanes = link_.lanes(use, last_send);
    NbdLanes::Turn turn(*lanes);
    const auto read_one_block = [&] {
      std::vector<std::byte> block(lanes->limits().block_size);
      turn->read(block, 0, Clock::now() + limit);
    };
    // Whoever hears of a failure may write anew at once: nothing may go over what is left of these
    // connections then.
    const auto give_up = [&] {
      if (use == Use::changes) lanes->change_is_open = true;
      if (link_.started()) link_.drop(lanes);
    };
    try {
      if (sync && tried_again) read_one_block();
      send(*lanes, turn, Clock::now() + limit * patience);
      return;
    } catch (const ConnectionLost&) {
      give_up();
      if (Clock::now() >= last_send || !link_.started()) throw;
    } catch (const Unanswered&) {
      give_up();
      throw;
    } catch (const Error& error) {
      if (!link_.may_be_a_loss(error)) throw;
      const Answer answer = answer_to(read_one_block);
      if (answer == Answer::good) throw;
      if (use == Use::changes) lanes->change_is_open = true;
      if (answer == Answer::none) {
        link_.drop(lanes);
        if (sync || Clock::now() >= last_send) throw;
      } else if (!link_.drop_for(error, lanes, tried_again)) {
        if (use == Use::changes) link_.drop(lanes);
        throw;
      } else {
        tried_again = true;
      }
    }
  }
}

void NbdSource::read(std::span<std::byte> to, std::uint64_t offset) {
  while (!to.empty()) {
    std::size_t length = 0;
    run(Use::reads, usual, false, [&](NbdLanes& lanes, NbdLanes::Turn& turn, auto answer_by) {
      length = std::min(to.size(), lanes.limits().max_request);
      turn->read(to.first(length), offset, answer_by);
    });
    to = to.subspan(length);
    offset += length;
  }
}

void NbdSource::read_parts(std::span<std::byte> to, std::uint64_t offset, std::size_t part,
                           const Arrived& arrived) {
  // Sent again is only what has not arrived yet: the caller has changed the rest.
  struct Missing {
    std::span<std::byte> bytes;
    std::uint64_t offset;
    const Arrived& arrived;
  } missing{to, offset, arrived};
  // One reference: with more of them std::function would take memory for each request.
  const Arrived take = [&missing](std::span<std::byte> next) {
    missing.arrived(next);
    missing.bytes = missing.bytes.subspan(next.size());
    missing.offset += next.size();
  };
  // A server that takes only less than a part at once, which it may do only since it came back,
  // gives each of them in several answers.
  bool fits = true;
  run(Use::reads, usual, false, [&](NbdLanes& lanes, NbdLanes::Turn& turn, auto /*answer_by*/) {
    fits = part <= lanes.limits().max_request;
    if (!fits) return;
    turn->read_parts(missing.bytes, missing.offset, part, link_.answer_limit(), take);
  });
  if (!fits) Source::read_parts(missing.bytes, missing.offset, part, arrived);
}

void NbdSource::write(std::span<const std::byte> from, std::uint64_t offset,
                      Durability durability) {
  const bool durable = durability == Durability::durable;
  const bool fua = export_.can_fua && (durable || !export_.can_flush);
  const unsigned patience = durable ? long_flush : usual;
  if (!durable || fua || from.empty()) {
    send_writes(from, offset, fua, patience);
    if (durable) link_.tell_of_lost_changes();
    return;
  }
  for (unsigned tries = 0; tries < most_tries; ++tries) {
    const std::uint64_t losses = link_.losses();
    send_writes(from, offset, fua, patience);
    flush();
    // Else the flush may have been for a server that did not have it any more.
    if (link_.losses() == losses) return;
  }
  throw Error(ErrorKind::io,
              "cannot write durably to " + name() +
                  ": its server went away each time before a flush was done",
              EIO);
}

void NbdSource::send_writes(std::span<const std::byte> from, std::uint64_t offset, bool fua,
                            unsigned patience) {
  while (!from.empty()) {
    std::size_t length = 0;
    run(Use::changes, patience, fua, [&](NbdLanes& lanes, NbdLanes::Turn& turn, auto answer_by) {
      length = std::min(from.size(), lanes.limits().max_request);
      turn->write(from.first(length), offset, fua, answer_by);
      if (!fua) link_.note_change(lanes);
    });
    from = from.subspan(length);
    offset += length;
  }
}

void NbdSource::flush() {
  // With multi-conn one connection's flush covers the writes of all.
  if (!writable_ || !export_.can_flush) return;
  run(Use::reads, long_flush, true, [](NbdLanes& lanes, NbdLanes::Turn& turn, auto answer_by) {
    const std::uint64_t before = lanes.changes;
    turn->flush(answer_by);
    // Of flushes at the same time the one that began last may end first.
    std::uint64_t flushed = lanes.changes_flushed;
    while (flushed < before && !lanes.changes_flushed.compare_exchange_weak(flushed, before)) {
    }
  });
  link_.tell_of_lost_changes();
}

void NbdSource::discard(std::uint64_t length, std::uint64_t offset) {
  if (!can_discard()) return;
  for (const std::uint64_t end = offset + length; offset < end;) {
    const std::uint64_t part = std::min(end - offset, max_dataless_request);
    run(Use::changes, long_flush, false,
        [&](NbdLanes& lanes, NbdLanes::Turn& turn, auto answer_by) {
          turn->trim(part, offset, answer_by);
          link_.note_change(lanes);
        });
    offset += part;
  }
}

void NbdSource::prefetch(std::uint64_t length, std::uint64_t offset) {
  if (!can_prefetch()) return;
  for (const std::uint64_t end = offset + length; offset < end;) {
    const std::uint64_t part = std::min(end - offset, max_dataless_request);
    run(Use::reads, usual, false, [&](NbdLanes& lanes, NbdLanes::Turn& turn, auto answer_by) {
      if (lanes.exported().can_cache) turn->cache(part, offset, answer_by);
    });
    offset += part;
  }
}

std::vector<Extent> NbdSource::extents(std::uint64_t length, std::uint64_t offset,
                                       std::size_t most) {
  std::vector<Extent> found = {{length, false}};
  if (!can_find_holes()) return found;
  run(Use::reads, usual, false, [&](NbdLanes& lanes, NbdLanes::Turn& turn, auto answer_by) {
    if (!lanes.exported().can_find_holes) return;
    found = turn->block_status(std::min(length, max_dataless_request), offset, most, answer_by);
  });
  return found;
}

}  // namespace luksdetached
