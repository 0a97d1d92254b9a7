// libtorch's own store and process group (c10d: TCPStore and Gloo) behind a C interface of bytes.
//
// Every function gives 0, or 1 with what went wrong in `error`, which has room for `room` bytes and ends with 0.
#define USE_C10D_GLOO
#include <ATen/ops/from_blob.h>
#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Milliseconds = std::chrono::milliseconds;

struct Store {
  c10::intrusive_ptr<c10d::Store> store;
};

struct Group {
  c10::intrusive_ptr<c10d::Backend> backend;
  Milliseconds timeout;
};

template <class Work>
int guarded(char* error, size_t room, Work&& work) {
  std::string what;
  try {
    work();
    return 0;
  } catch (const c10::Error& e) {
    what = e.what_without_backtrace();
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
    what = "an exception of unknown type";
  }
  std::strncpy(error, what.c_str(), room - 1);
  error[room - 1] = 0;
  return 1;
}

at::Tensor bytes(const void* data, size_t length) {
  return at::from_blob(const_cast<void*>(data), {static_cast<int64_t>(length)}, at::TensorOptions().dtype(at::kByte));
}

at::Tensor floats(const float* data, int64_t length) {
  return at::from_blob(const_cast<float*>(data), {length}, at::TensorOptions().dtype(at::kFloat));
}

std::vector<uint8_t> value_of(const uint8_t* value, size_t length) {
  return std::vector<uint8_t>(value, value + length);
}

} // namespace

extern "C" {

int birnn_store_open(const char* host, uint16_t port, int serve, int64_t timeout, Store** out, char* error, size_t room) {
  return guarded(error, room, [&] {
    c10::initLogging();
    // It tells of its own workings; what fails is told by birnn, in a line.
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = 3;
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serve != 0;
    // Who is there is told by name, so nobody is waited for here.
    options.waitWorkers = false;
    options.timeout = Milliseconds(timeout);
    auto store = c10::make_intrusive<c10d::TCPStore>(std::string(host), options);
    store->setTimeout(Milliseconds(timeout));
    *out = new Store{store};
  });
}

int birnn_store_set(Store* store, const char* key, const uint8_t* value, size_t length, char* error, size_t room) {
  return guarded(error, room, [&] { store->store->set(key, value_of(value, length)); });
}

// Sets what is not set yet.
int birnn_store_set_first(Store* store, const char* key, const uint8_t* value, size_t length, char* error, size_t room) {
  return guarded(error, room, [&] { store->store->compareSet(key, {}, value_of(value, length)); });
}

// Waits for a key at most so long; `take` is handed its value, if there is one by then.
int birnn_store_get(
    Store* store,
    const char* key,
    int64_t wait,
    void (*take)(void*, const uint8_t*, size_t),
    void* taker,
    char* error,
    size_t room) {
  return guarded(error, room, [&] {
    try {
      // Not check(), which waits for ever where the network is cut.
      store->store->wait({key}, Milliseconds(wait));
    } catch (const c10::Error& e) {
      // A key that is not there and a store that is gone come as the same class.
      if (std::string(e.what_without_backtrace()).find("imeout") == std::string::npos) throw;
      return;
    }
    auto value = store->store->get(key);
    take(taker, value.data(), value.size());
  });
}

int birnn_store_add(Store* store, const char* key, int64_t by, int64_t* sum, char* error, size_t room) {
  return guarded(error, room, [&] { *sum = store->store->add(key, by); });
}

void birnn_store_close(Store* store) {
  delete store;
}

int birnn_group_open(
    Store* store,
    const char* prefix,
    int rank,
    int size,
    int64_t timeout,
    const char* interface,
    const char* address,
    Group** out,
    char* error,
    size_t room) {
  return guarded(error, room, [&] {
    auto options = c10::make_intrusive<c10d::ProcessGroupGloo::Options>(Milliseconds(timeout));
    options->devices.push_back(
        *interface != 0 ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                        : c10d::ProcessGroupGloo::createDeviceForHostname(address));
    auto scoped = c10::make_intrusive<c10d::PrefixStore>(std::string(prefix), store->store);
    auto backend = c10::make_intrusive<c10d::ProcessGroupGloo>(
        c10::intrusive_ptr<c10d::Store>(scoped), rank, size, std::move(options));
    *out = new Group{backend, Milliseconds(timeout)};
  });
}

int birnn_group_all_gather(Group* group, const uint8_t* own, size_t length, uint8_t* all, char* error, size_t room) {
  return guarded(error, room, [&] {
    auto in = bytes(own, length);
    auto out = bytes(all, length * group->backend->getSize());
    c10d::AllgatherOptions options;
    options.timeout = group->timeout;
    group->backend->_allgather_base(out, in, options)->wait();
  });
}

// Counts are of floats, one for each rank.
int birnn_group_all_to_all(
    Group* group,
    const float* send,
    const int64_t* send_counts,
    float* receive,
    const int64_t* receive_counts,
    char* error,
    size_t room) {
  return guarded(error, room, [&] {
    int size = group->backend->getSize();
    std::vector<int64_t> out_counts(send_counts, send_counts + size), in_counts(receive_counts, receive_counts + size);
    auto total = [](const std::vector<int64_t>& counts) {
      int64_t sum = 0;
      for (auto count : counts) sum += count;
      return sum;
    };
    auto in = floats(send, total(out_counts));
    auto out = floats(receive, total(in_counts));
    c10d::AllToAllOptions options;
    options.timeout = group->timeout;
    group->backend->alltoall_base(out, in, in_counts, out_counts, options)->wait();
  });
}

int birnn_group_broadcast(Group* group, uint8_t* data, size_t length, int from, char* error, size_t room) {
  return guarded(error, room, [&] {
    std::vector<at::Tensor> tensors{bytes(data, length)};
    c10d::BroadcastOptions options;
    options.rootRank = from;
    options.timeout = group->timeout;
    group->backend->broadcast(tensors, options)->wait();
  });
}

void birnn_group_close(Group* group) {
  delete group;
}

} // extern "C"
