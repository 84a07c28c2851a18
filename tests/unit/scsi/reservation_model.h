// SPDX-License-Identifier: GPL-2.0-or-later
// Reservations of one logical unit as SPC-4 5.13 and SPC-2 5.5 tell them, step by step over a plain
// table of I_T nexuses. It shares nothing with the code it is compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tgt::test::model {

// Status, and sense key, ASC and ASCQ as one number when it is CHECK CONDITION.
struct Expected {
    uint8_t status = 0;
    uint32_t sense = 0;
    bool operator==(const Expected&) const = default;
};
inline constexpr Expected good{0x00, 0};
inline constexpr Expected conflict{0x18, 0};
constexpr Expected check(uint32_t sense) {
    return {0x02, sense};
}

enum class Access { test, read, write, inquire };

struct Request {
    int action = 0;  // of PERSISTENT RESERVE OUT
    int scope = 0, type = 0;
    uint64_t key = 0, action_key = 0;
    bool aptpl = false, all_ports = false, specify = false;
    struct Named {
        int initiator = 0;  // or the device it belongs to
        bool device = false;
    };
    std::vector<Named> named;  // with `specify`
    // REGISTER AND MOVE
    int to_initiator = 0, to_port = 0;
    bool unregister = false;
};

class Model {
  public:
    // `device_of[i]`: the device of initiator port i. Target ports are 1 to `ports`.
    Model(std::vector<int> device_of, int ports, bool keeps);

    struct Nexus {
        int initiator = 0, port = 0;
        uint64_t key = 0;  // 0: not registered
        bool logged_in = false;
        std::vector<uint16_t> attentions;  // ASC and ASCQ
    };
    int find(int initiator, int port) const;

    void login(int nexus);
    void logout(int nexus);
    void reset();    // LOGICAL UNIT RESET
    void restart();  // power off and on; nobody is logged in afterwards

    // What reservations say to such a command; unit attentions come before them.
    Expected admission(int nexus, Access kind) const;
    Expected access(int nexus, Access kind);
    // Whether it comes as far as being looked at: then its data are those of the state.
    Expected persistent_reserve_in(int nexus);
    Expected persistent_reserve_out(int nexus, const Request& request);
    Expected reserve(int nexus);
    Expected release(int nexus);

    bool is_holder(int nexus) const;

    std::vector<Nexus> nexuses;
    uint32_t generation = 0;
    int type = 0;     // of the persistent reservation; 0: there is none
    int holder = -1;  // of one that is not for all registrants
    int legacy = -1;  // who holds RESERVE
    bool aptpl = false;

  private:
    using List = std::vector<int>;
    bool registered(int nexus) const { return nexuses[size_t(nexus)].key != 0; }
    uint64_t key_of(int nexus) const { return nexuses[size_t(nexus)].key; }
    bool anything_registered() const;
    List ports_of(int initiator, int nexus, bool all) const;
    List known_ports(const Request::Named& named) const;
    void tell(int nexus, uint16_t attention);
    void tell_registered_but(int nexus, uint16_t attention);
    void end_reservation();
    void begin_reservation(int nexus, int new_type);
    Expected counted();

    Expected do_register(int nexus, const Request& request, bool ignore);
    Expected do_unregister(int nexus, const List& leaving, bool aptpl_now);
    Expected do_reserve(int nexus, const Request& request);
    Expected do_release(int nexus, const Request& request);
    Expected do_clear(int nexus, const Request& request);
    Expected do_preempt(int nexus, const Request& request);
    Expected take_over(int nexus, const Request& request, const List& victims);
    Expected remove(int nexus, uint64_t key);
    Expected do_move(int nexus, const Request& request);

    std::vector<int> device_of_;
    int ports_;
    bool keeps_;
};

}  // namespace tgt::test::model
