// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/starving.h"

#include "driver/iscsi/session.h"

namespace tgt::iscsi {

void StarvingSessions::add(Session& session) {
    sessions_.push_back(session);
}

void StarvingSessions::arm() {
    worker_.timers().arm_in(feed_, io::Duration(0));
}

void StarvingSessions::feed() {
    size_t fruitless = 0, left = commands_per_turn;
    for (size_t count = sessions_.size(); left > 0 && fruitless < count;) {
        Session* session = sessions_.pop_front();
        if (!session) return;
        sessions_.push_back(*session);  // it leaves by itself when nothing waits any more
        const bool fed = session->feed();
        fruitless = fed ? 0 : fruitless + 1;
        left -= fed;
    }
    if (left == 0) look_again();
}

}  // namespace tgt::iscsi
