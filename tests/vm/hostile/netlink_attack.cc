// SPDX-License-Identifier: GPL-2.0-or-later
// Messages for the netlink family: every command with random attributes, lengths and flags.
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "attacks.h"
#include "include/uapi/linux/tgt_netlink.h"

namespace tgt::hostile {
namespace {

constexpr size_t kMessageBytes = 8192;

// A message that grows; what does not fit is left out.
class Message {
  public:
    Message(uint16_t type, uint16_t flags, uint8_t command) {
        nlmsghdr header{};
        header.nlmsg_type = type;
        header.nlmsg_flags = flags;
        genlmsghdr family{command, TGT_NL_VERSION, 0};
        append(&header, sizeof(header));
        append(&family, sizeof(family));
    }

    void attribute(uint16_t type, const void* value, size_t bytes, size_t said) {
        if (length_ + NLA_HDRLEN + NLA_ALIGN(bytes) > buffer_.size()) {
            return;
        }
        nlattr header{static_cast<uint16_t>(said), type};
        append(&header, sizeof(header));
        append(value, bytes);
        length_ = NLMSG_ALIGN(length_);
    }
    void attribute(uint16_t type, const void* value, size_t bytes) {
        attribute(type, value, bytes, bytes + NLA_HDRLEN);
    }

    bool send(int fd, uint32_t said) {
        std::memcpy(buffer_.data(), &said, sizeof(said));  // nlmsg_len
        sockaddr_nl kernel{};
        kernel.nl_family = AF_NETLINK;
        return sendto(fd, buffer_.data(), length_, 0,
                      static_cast<sockaddr*>(static_cast<void*>(&kernel)), sizeof(kernel)) >= 0;
    }
    bool send(int fd) { return send(fd, length_); }
    uint32_t length() const { return length_; }

  private:
    void append(const void* from, size_t bytes) {
        std::memcpy(buffer_.data() + length_, from, bytes);
        length_ += static_cast<uint32_t>(bytes);
    }

    std::array<char, kMessageBytes> buffer_{};
    uint32_t length_ = 0;
};

int open_netlink() {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    timeval patience{60, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

// The value of an attribute in a generic netlink message; null: not there.
const char* find(const char* message, ssize_t bytes, uint16_t type) {
    for (ssize_t at = NLMSG_HDRLEN + GENL_HDRLEN; at + NLA_HDRLEN <= bytes;) {
        nlattr header;
        std::memcpy(&header, message + at, sizeof(header));
        if ((header.nla_type & NLA_TYPE_MASK) == type) {
            return message + at + NLA_HDRLEN;
        }
        at += NLA_ALIGN(header.nla_len < NLA_HDRLEN ? NLA_HDRLEN : header.nla_len);
    }
    return nullptr;
}

// What came back: the error (0: none), and the host that was made.
struct Answer {
    int error = 0;
    uint32_t host = 0;
};

// Reads until the acknowledgement or the end of a dump.
Answer receive(int fd) {
    Answer answer;
    static thread_local std::array<char, 65536> buffer;
    for (;;) {
        ssize_t bytes = recv(fd, buffer.data(), buffer.size(), 0);
        if (bytes < NLMSG_HDRLEN) {
            answer.error = -errno;
            return answer;
        }
        for (ssize_t at = 0; at + NLMSG_HDRLEN <= bytes;) {
            nlmsghdr header;
            std::memcpy(&header, buffer.data() + at, sizeof(header));
            const char* here = buffer.data() + at;
            if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
                std::memcpy(&answer.error, here + NLMSG_HDRLEN, sizeof(int));
                return answer;
            }
            if (const char* found = find(here, header.nlmsg_len, TGT_NL_A_HOST)) {
                std::memcpy(&answer.host, found, sizeof(answer.host));
            }
            at += NLMSG_ALIGN(header.nlmsg_len);
        }
    }
}

uint16_t family_number(int fd) {
    Message ask(GENL_ID_CTRL, NLM_F_REQUEST, CTRL_CMD_GETFAMILY);
    ask.attribute(CTRL_ATTR_FAMILY_NAME, TGT_NL_FAMILY, sizeof(TGT_NL_FAMILY));
    std::array<char, 8192> buffer;
    ssize_t bytes = ask.send(fd) ? recv(fd, buffer.data(), buffer.size(), 0) : -1;
    const char* found = bytes > 0 ? find(buffer.data(), bytes, CTRL_ATTR_FAMILY_ID) : nullptr;
    uint16_t number = 0;
    if (found != nullptr) {
        std::memcpy(&number, found, sizeof(number));
    }
    return number;
}

class Talker {
  public:
    Talker(Field& field, Random& random, int fd, uint16_t family)
        : field_(field), random_(random), fd_(fd), family_(family) {}

    void say() {
        auto command = static_cast<uint8_t>(random_.below(TGT_NL_COMMAND_MAX + 3));
        uint16_t flags = NLM_F_REQUEST | NLM_F_ACK;
        flags |= random_.one_in(3) ? NLM_F_DUMP : 0;
        flags |= random_.one_in(8) ? static_cast<uint16_t>(random_.word() & 0xff00) : 0;
        Message message(family_, flags, command);
        if (random_.one_in(2)) {
            plausible(message, command);
        }
        for (uint64_t left = random_.below(8); left > 0; --left) {
            any(message);
        }
        bool odd = random_.one_in(16);  // then the kernel may drop it without an answer
        uint32_t said =
            odd ? static_cast<uint32_t>(random_.awkward(message.length())) : message.length();
        field_.count.messages++;
        if (!message.send(fd_, said) || said > message.length() || said < NLMSG_HDRLEN) {
            drain();
            return;
        }
        Answer answer = receive(fd_);
        field_.count.refused += answer.error < 0;
        if (answer.error == -EAGAIN) {
            field_.blame("netlink has not answered for a minute");
        }
        if (odd) {
            drain();
        }
        if (command == TGT_NL_HOST_NEW && answer.error == 0 && answer.host != 0) {
            field_.count.made++;
            remove(answer.host);
        }
    }

  private:
    // Whatever else came: the kernel may have seen several messages in one.
    void drain() {
        char bytes[512];
        while (recv(fd_, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0) {
        }
    }

    // What the command is made for, with numbers that are true or awkward.
    void plausible(Message& message, uint8_t command) {
        uint32_t host = 1 + static_cast<uint32_t>(random_.below(6));
        if (command == TGT_NL_HOST_NEW) {
            message.attribute(TGT_NL_A_LLD, "loop", 5);
            number(message, TGT_NL_A_QUEUES, 2);
            number(message, TGT_NL_A_NEXUSES, 2);
            number(message, TGT_NL_A_DEPTH, 16);
            host = random_.one_in(2) ? host : 1000;
        }
        if (host == field_.options.spare ||
            (command == TGT_NL_HOST_DEL && host == field_.options.host)) {
            host = 77;  // the other attacks need the one, somebody else the other
        }
        message.attribute(TGT_NL_A_HOST, &host, sizeof(host));
        if (command == TGT_NL_LUN_CHANGED) {
            uint64_t lun = random_.one_in(4) ? random_.next() : 0x0100;
            auto present = static_cast<uint8_t>(random_.below(3));
            message.attribute(TGT_NL_A_LUN, &lun, sizeof(lun));
            message.attribute(TGT_NL_A_LUN_PRESENT, &present, sizeof(present));
        }
    }

    void number(Message& message, uint16_t type, uint32_t usual) {
        uint32_t value = random_.one_in(4) ? static_cast<uint32_t>(random_.awkward(usual)) : usual;
        if (random_.one_in(2)) {
            message.attribute(type, &value, sizeof(value));
        }
    }

    void any(Message& message) {
        char value[512];
        for (char& byte : value) {
            byte = static_cast<char>(random_.next());
        }
        auto type = static_cast<uint16_t>(random_.below(TGT_NL_A_MAX + 4));
        if (type == TGT_NL_A_HOST || type == TGT_NL_A_FORCE) {
            return;  // said by plausible(), or a host is lost that the other attacks need
        }
        type |= random_.one_in(16) ? NLA_F_NESTED : 0;
        static constexpr size_t kLengths[] = {0, 1, 2, 4, 8, 24, 255, 256, 300, 512};
        size_t bytes = kLengths[random_.below(std::size(kLengths))];
        size_t said = bytes + NLA_HDRLEN;
        if (random_.one_in(8)) {
            said = random_.awkward(said) & 0xffff;
        }
        message.attribute(type, value, bytes, said);
    }

    void remove(uint32_t host) {
        if (host == field_.options.host) {
            return;
        }
        Message message(family_, NLM_F_REQUEST | NLM_F_ACK, TGT_NL_HOST_DEL);
        message.attribute(TGT_NL_A_HOST, &host, sizeof(host));
        message.attribute(TGT_NL_A_FORCE, nullptr, 0);
        if (!message.send(fd_) || receive(fd_).error != 0) {
            field_.blame("a host that was made cannot be taken away");
        }
    }

    Field& field_;
    Random& random_;
    int fd_;
    uint16_t family_;
};

// Of a process whose user is nobody: every command is refused, as a request and as a dump.
int unprivileged(uint16_t family) {
    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 2;
    }
    int fd = open_netlink();
    for (uint8_t command = TGT_NL_VERSION_GET; command <= TGT_NL_LUN_CHANGED; ++command) {
        for (uint16_t dump : {0, NLM_F_DUMP}) {
            Message message(family, NLM_F_REQUEST | NLM_F_ACK | dump, command);
            uint32_t host = 1;
            message.attribute(TGT_NL_A_HOST, &host, sizeof(host));
            if (!message.send(fd) || receive(fd).error >= 0) {
                return 1;
            }
        }
    }
    close(fd);
    return 0;
}

void check_unprivileged(Field& field, uint16_t family) {
    pid_t child = fork();
    if (child == 0) {
        _exit(unprivileged(family));
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) {
        field.blame("a user without privileges is answered by netlink");
    }
}

}  // namespace

void attack_netlink(Field& field, Random random) {
    int fd = open_netlink();
    uint16_t family = family_number(fd);
    if (family == 0) {
        field.blame("there is no netlink family " TGT_NL_FAMILY);
        return;
    }
    check_unprivileged(field, family);
    Talker talker(field, random, fd, family);
    while (!field.over && field.count.messages < field.options.messages) {
        talker.say();
    }
    close(fd);
}

}  // namespace tgt::hostile
