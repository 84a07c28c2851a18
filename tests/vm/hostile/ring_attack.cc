// SPDX-License-Identifier: GPL-2.0-or-later
// A daemon that writes into the ring what it should not: random words, and answers with one thing
// wrong.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include "attacks.h"
#include "ring.h"

namespace tgt::hostile {
namespace {

constexpr uint32_t kUnit = TGT_RING_DATA_UNIT;

// Every word of the user's region once before any comes for the second time.
class WordOrder {
  public:
    size_t next(size_t words, Random& random) {
        if (at_ >= order_.size() || order_.size() != words) {
            order_.resize(words);
            std::iota(order_.begin(), order_.end(), size_t{0});
            for (size_t i = words - 1; i > 0; --i) {
                std::swap(order_[i], order_[random.below(i + 1)]);
            }
            at_ = 0;
        }
        return order_[at_++];
    }

  private:
    std::vector<size_t> order_;
    size_t at_ = 0;
};

// Fills segments for `length` bytes somewhere in the data area, as a daemon would.
void place(tgt_ring_reply& reply, uint32_t length, uint64_t area, Random& random) {
    uint64_t units = area / kUnit;
    uint32_t left = length;
    reply.segment_count = 0;
    while (left != 0 && reply.segment_count < TGT_RING_MAX_SEGMENTS && units != 0) {
        bool last = reply.segment_count == TGT_RING_MAX_SEGMENTS - 1 || random.one_in(2);
        uint64_t start = random.below(units);
        uint64_t room = area - start * kUnit;
        uint64_t wanted = last ? left : 1 + random.below(left);
        auto piece = static_cast<uint32_t>(std::min(wanted, room));
        reply.segments[reply.segment_count++] = {start * kUnit, piece, 0};
        left -= piece;
    }
    reply.length = length - left;
}

// One attachment from its beginning to its end.
class Assault {
  public:
    Assault(Field& field, Attachment& ring, WordOrder& order, Random& random)
        : field_(field), ring_(ring), order_(order), random_(random) {
        events_ = ring.event_head();  // not taken: what waits is seen from the first one on
        events_ -= std::min<uint32_t>(events_, ring.header().ring_entries);
    }

    void run() {
        for (uint64_t rounds = 1 + random_.below(40); rounds > 0 && !field_.over; --rounds) {
            switch (random_.below(4)) {
                case 0:
                    scatter();
                    break;
                case 1:
                    answer(3);
                    break;
                default:
                    answer(40);
            }
            kick();
            if (ring_.over()) {
                field_.count.broken++;
                break;
            }
        }
        field_.count.taken += ring_.reply_tail();
    }

  private:
    void kick() {
        ring_.kick();
        field_.count.kicks++;
        if (random_.one_in(4)) {  // gives the load time to send more
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    uint32_t word_near(uint32_t old) {
        const tgt_ring_header& header = ring_.header();
        const uint64_t hints[] = {old,         header.tags, header.ring_entries, ring_.event_head(),
                                  last_.id,    last_.tag,   header.data_bytes,   ring_.reply_tail(),
                                  last_.id + 1};
        return static_cast<uint32_t>(random_.awkward(hints[random_.below(std::size(hints))]));
    }

    // Random words, each somewhere else; then random words in the slots of commands that wait for
    // an answer.
    void scatter() {
        const Region& user = ring_.user();
        uint64_t count = 1 + random_.below(128);
        size_t indices = ring_.header().slot_offset / 4;
        for (uint64_t i = 0; i < count; ++i) {
            size_t word = order_.next(user.words(), random_);
            if (word < indices && !random_.one_in(8)) {  // else no attachment lasts
                word = indices + random_.below(user.words() - indices);
            }
            user.store(word, word_near(user.load(word)));
        }
        field_.count.writes += count;
        uint32_t head = ring_.reply_tail();
        while (!open_.empty() && !random_.one_in(4)) {
            garble(open_[random_.below(open_.size())], head++);
        }
        ring_.put_reply_head(head);
    }

    // An answer whose id is right and where nothing else is sure to be.
    void garble(const tgt_ring_desc& desc, uint32_t position) {
        tgt_ring_reply reply{};
        reply.id = desc.id;
        reply.op = random_.one_in(2) ? TGT_REPLY_DONE : TGT_REPLY_GET_DATA;
        place(reply, random_.one_in(2) ? desc.in_length : desc.out_length,
              ring_.header().data_bytes, random_);
        std::array<uint32_t, sizeof(reply) / 4> words;
        std::memcpy(words.data(), &reply, sizeof(reply));
        for (uint64_t left = random_.below(6); left > 0; --left) {
            uint32_t& word = words[2 + random_.below(words.size() - 2)];
            word = word_near(word);
            field_.count.writes++;
        }
        std::memcpy(&reply, words.data(), sizeof(reply));
        ring_.put_reply(desc.tag, reply);
        ring_.put_ring_entry(position, desc.tag);
    }

    // Answers what came, and of so many answers one with a thing wrong.
    void answer(uint64_t good) {
        uint32_t head = ring_.event_head();
        while (events_ != head) {
            tgt_ring_event event = ring_.event(events_++);
            field_.count.events++;
            if (event.tag >= ring_.header().tags) {
                field_.blame("an event names a tag that there is not");
                return;
            }
            last_ = ring_.descriptor(event.tag);
            if (event.type == TGT_EVENT_NEW || event.type == TGT_EVENT_DATA) {
                reply(event, good);
            }
            if (open_.size() < 64) {
                open_.push_back(last_);
            } else {
                open_[random_.below(open_.size())] = last_;
            }
        }
        ring_.put_event_tail(events_);
    }

    // Takes what came and leaves it open.
    void look() {
        for (uint32_t head = ring_.event_head(); events_ != head; ++events_) {
            tgt_ring_event event = ring_.event(events_);
            field_.count.events++;
            if (event.tag < ring_.header().tags && open_.size() < 64) {
                open_.push_back(ring_.descriptor(event.tag));
            }
        }
    }

    void reply(const tgt_ring_event& event, uint64_t good) {
        tgt_ring_reply reply{};
        reply.id = last_.id;
        reply.op = TGT_REPLY_DONE;
        bool command = last_.type == TGT_DESC_COMMAND;
        if (command && last_.out_length != 0 && event.type == TGT_EVENT_NEW) {
            reply.op = TGT_REPLY_GET_DATA;
            place(reply, last_.out_length, ring_.header().data_bytes, random_);
        } else if (command && last_.in_length != 0) {
            place(reply, last_.in_length, ring_.header().data_bytes, random_);
        }
        if (command && reply.op == TGT_REPLY_DONE) {
            ending(reply);
        }
        uint32_t tag = event.tag;
        uint32_t head = ring_.reply_tail() + pending_++;
        if (random_.one_in(good)) {
            spoil(reply, tag, head);
        }
        ring_.put_reply(tag, reply);
        ring_.put_ring_entry(head, tag);
        ring_.put_reply_head(head + 1);
        if (random_.one_in(3)) {
            kick();
            pending_ = 0;
        }
    }

    void ending(tgt_ring_reply& reply) {
        reply.in_total = last_.in_length;
        reply.out_total = last_.out_length;
        if (random_.one_in(4)) {  // some end with CHECK CONDITION and whatever sense data
            reply.status = 0x02;
            reply.sense_length = static_cast<uint16_t>(random_.below(TGT_RING_MAX_SENSE + 1));
            for (uint16_t i = 0; i < reply.sense_length; ++i) {
                reply.sense[i] = static_cast<uint8_t>(random_.next());
            }
            reply.sense[0] = random_.one_in(2) ? 0x70 : 0x72;
        }
    }

    void spoil(tgt_ring_reply& reply, uint32_t& tag, uint32_t& head) {
        tgt_ring_segment& segment = reply.segments[random_.below(TGT_RING_MAX_SEGMENTS)];
        uint64_t area = ring_.header().data_bytes;
        switch (random_.below(16)) {
            case 0:
                reply.id = random_.awkward(reply.id);
                break;
            case 1:
                reply.op = static_cast<uint8_t>(random_.awkward(reply.op));
                break;
            case 2:
                reply.flags = static_cast<uint8_t>(random_.awkward(reply.flags));
                break;
            case 3:
                reply.status = static_cast<uint8_t>(random_.next());
                break;
            case 4:
                reply.response = static_cast<uint8_t>(random_.next());
                break;
            case 5:
                reply.offset = static_cast<uint32_t>(random_.awkward(last_.out_length));
                break;
            case 6:
                reply.length = static_cast<uint32_t>(random_.awkward(reply.length));
                break;
            case 7:
                reply.segment_count = static_cast<uint16_t>(random_.awkward(TGT_RING_MAX_SEGMENTS));
                break;
            case 8:
                reply.sense_length = static_cast<uint16_t>(random_.awkward(TGT_RING_MAX_SENSE));
                break;
            case 9:
                segment.offset = random_.awkward(area);
                break;
            case 10:  // ends behind the area, or wraps round
                segment.offset = (random_.one_in(2) ? area : ~0ull) / kUnit * kUnit;
                break;
            case 11:
                segment.length = static_cast<uint32_t>(random_.awkward(area));
                break;
            case 12:
                tag = static_cast<uint32_t>(random_.awkward(ring_.header().tags));
                break;
            case 13:
                head += static_cast<uint32_t>(random_.awkward(ring_.header().ring_entries));
                break;
            case 14:  // more than the command asks for, all of it well placed
                place(reply, last_.in_length + last_.out_length + kUnit, area, random_);
                break;
            default:
                reply.in_total = static_cast<uint32_t>(random_.awkward(last_.in_length));
                reply.out_total = static_cast<uint32_t>(random_.awkward(last_.out_length));
        }
    }

    Field& field_;
    Attachment& ring_;
    WordOrder& order_;
    Random& random_;
    uint32_t events_ = 0;
    uint32_t pending_ = 0;
    tgt_ring_desc last_{};
    std::vector<tgt_ring_desc> open_;
};

uint64_t some_area(Random& random) {
    static constexpr uint64_t kSizes[] = {0, 1, 4096, 65536, 1 << 20, 4 << 20, (1 << 20) + 1};
    return kSizes[random.below(std::size(kSizes))];
}

}  // namespace

void attack_ring(Field& field, Random random) {
    WordOrder order;
    while (!field.over && field.count.writes < field.options.writes) {
        auto ring = Attachment::make(field.options.host, 0, some_area(random));
        if (!ring) {
            if (errno != EBUSY && errno != ENOMEM && errno != EINVAL && errno != EAGAIN) {
                field.blame(std::string("cannot attach: ") + std::strerror(errno));
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            continue;
        }
        field.count.attached++;
        if (random.one_in(2)) {
            field.expose(ring);
        }
        Assault(field, *ring, order, random).run();
        field.expose(nullptr);
    }
}

// Writes while another thread kicks: what the kernel has checked may be different when it is used.
void scribble(Field& field, Random random) {
    while (!field.over) {
        std::shared_ptr<Attachment> ring = field.exposed();
        if (!ring) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            continue;
        }
        const Region& user = ring->user();
        for (uint64_t left = 1 + random.below(256); left > 0; --left) {
            size_t word = random.below(user.words());
            // the slots rather than the heads, else the attachment is over at once
            if (word * 4 >= ring->header().slot_offset || random.one_in(1000)) {
                user.store(word, static_cast<uint32_t>(random.awkward(user.load(word))));
                field.count.race_writes++;
            }
        }
        if (random.one_in(4)) {
            ring->kick();
        }
    }
}

}  // namespace tgt::hostile
