// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/netlink/link.h"

#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

namespace tgt::ipc {

namespace {

// For many events at once, before any are lost.
constexpr int receive_bytes = 1 << 20;

struct SocketFree {
    void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct BufferFree {
    void operator()(unsigned char* buffer) const { std::free(buffer); }
};

class KernelLink final : public NetlinkLink {
  public:
    Result<void> open() override {
        if (socket_) return {};
        std::unique_ptr<nl_sock, SocketFree> made(nl_socket_alloc());
        if (!made) return fail(ENOMEM, "no memory for a netlink socket");
        if (const int error = nl_connect(made.get(), NETLINK_GENERIC); error != 0)
            return failure("cannot open a netlink socket", error);
        const int fd = nl_socket_get_fd(made.get());
        nl_socket_set_nonblocking(made.get());
        const int on = 1;
        setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
        // Only a privileged process may have that much; else it is what it is.
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof(receive_bytes));
        socket_ = std::move(made);
        return {};
    }

    int descriptor() const override { return socket_ ? nl_socket_get_fd(socket_.get()) : -1; }

    Result<void> join(uint32_t group) override {
        if (!socket_) return fail(ENOTCONN, "the netlink socket is not open");
        if (const int error = nl_socket_add_membership(socket_.get(), int(group)); error != 0)
            return failure("cannot listen to events of the kernel", error);
        return {};
    }

    Result<void> send(std::span<const uint8_t> message) override {
        if (!socket_) return fail(ENOTCONN, "the netlink socket is not open");
        Bytes copy(message.begin(), message.end());
        // Behind the length, the type and the flags, and the sequence: whose answer it is.
        const uint32_t port = nl_socket_get_local_port(socket_.get());
        if (copy.size() >= sizeof(nlmsghdr))
            std::memcpy(copy.data() + offsetof(nlmsghdr, nlmsg_pid), &port, sizeof(port));
        const int sent = nl_sendto(socket_.get(), copy.data(), copy.size());
        if (sent < 0) return failure("cannot speak to the kernel over netlink", sent);
        return {};
    }

    Result<Bytes> receive() override {
        if (!socket_) return fail(ENOTCONN, "the netlink socket is not open");
        while (true) {
            sockaddr_nl from{};
            unsigned char* raw = nullptr;
            const int length = nl_recv(socket_.get(), &from, &raw, nullptr);
            const std::unique_ptr<unsigned char, BufferFree> buffer(raw);
            if (length == -NLE_AGAIN || length == 0) return fail(EAGAIN, "nothing has come");
            if (length == -NLE_NOMEM) return fail(ENOBUFS, "messages of the kernel were lost");
            if (length < 0) return failure("cannot hear the kernel over netlink", length);
            if (from.nl_pid == 0) return Bytes(raw, raw + length);  // else another process's
        }
    }

  private:
    static tl::unexpected<Error> failure(const char* what, int error) {
        return fail(EIO, std::string(what) + ": " + nl_geterror(error));
    }

    std::unique_ptr<nl_sock, SocketFree> socket_;
};

}  // namespace

std::unique_ptr<NetlinkLink> make_netlink_link() {
    return std::make_unique<KernelLink>();
}

}  // namespace tgt::ipc
