/* Counts how often a process waits for the GPU, and how often it copies from and to it.
 *
 * Preloaded (LD_PRELOAD), it stands before libcudart for whoever links that dynamically, which libtorch does;
 * cuDNN and cuBLAS have copies of their own, whose calls do not pass here. At its end the process writes the
 * counts to the file that BIRNN_WAITS names. It includes no header of CUDA's, so that it compiles without. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* cudaErrorUnknown: there is no libcudart to hand on to. */
enum { NO_RUNTIME = 999, HOST_TO_DEVICE = 1, DEVICE_TO_HOST = 2 };

static unsigned long stream, event, device, copy, to_host, to_device;

/* Looked up at each call, as libcudart may be loaded late; that costs a microsecond. */
#define NEXT(name, ...)                                                      \
    int (*next)(__VA_ARGS__) = (int (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name); \
    if (!next) return NO_RUNTIME
#define COUNT(counter) __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED)

static void count_copy(int kind) {
    if (kind == DEVICE_TO_HOST) COUNT(to_host);
    if (kind == HOST_TO_DEVICE) COUNT(to_device);
}

int cudaStreamSynchronize(void *of) {
    COUNT(stream);
    NEXT("cudaStreamSynchronize", void *);
    return next(of);
}

int cudaEventSynchronize(void *of) {
    COUNT(event);
    NEXT("cudaEventSynchronize", void *);
    return next(of);
}

int cudaDeviceSynchronize(void) {
    COUNT(device);
    NEXT("cudaDeviceSynchronize", void);
    return next();
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
    COUNT(copy);
    count_copy(kind);
    NEXT("cudaMemcpy", void *, const void *, size_t, int);
    return next(to, from, bytes, kind);
}

int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *on) {
    count_copy(kind);
    NEXT("cudaMemcpyAsync", void *, const void *, size_t, int, void *);
    return next(to, from, bytes, kind, on);
}

__attribute__((destructor)) static void write_counts(void) {
    const char *name = getenv("BIRNN_WAITS");
    FILE *file = name ? fopen(name, "w") : NULL;
    if (!file) return;
    fprintf(file,
            "{\"stream\": %lu, \"event\": %lu, \"device\": %lu, \"copy\": %lu, \"to_host\": %lu, "
            "\"to_device\": %lu}\n",
            stream, event, device, copy, to_host, to_device);
    fclose(file);
}
