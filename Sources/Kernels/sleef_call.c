#include "sleef_call.h"

#if defined(__x86_64__)

// Five pushes on top of the return address leave the stack aligned to 16 bytes at the inner call.
#define SAVE "pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
#define RESTORE "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n vzeroupper\n retq\n"

#define UNARY(name, register, bytes)                                                                              \
  __attribute__((naked)) void name(void (*function)(void), void *out, const void *x, size_t count) {              \
    __asm__(SAVE                                                                                                  \
            "movq %rdi, %rbx\n movq %rsi, %r12\n movq %rdx, %r13\n movq %rcx, %r14\n"                              \
            "testq %r14, %r14\n je 2f\n"                                                                          \
            "1: vmovups (%r13), %" register "0\n"                                                                 \
            "callq *%rbx\n"                                                                                       \
            "vmovups %" register "0, (%r12)\n"                                                                    \
            "addq $" bytes ", %r13\n addq $" bytes ", %r12\n decq %r14\n jne 1b\n"                                 \
            "2:\n" RESTORE);                                                                                      \
  }

#define BINARY(name, register, bytes)                                                                             \
  __attribute__((naked)) void name(void (*function)(void), void *out, const void *x, const void *y,               \
                                   size_t count) {                                                                \
    __asm__(SAVE                                                                                                  \
            "movq %rdi, %rbx\n movq %rsi, %r12\n movq %rdx, %r13\n movq %rcx, %r14\n movq %r8, %r15\n"             \
            "testq %r15, %r15\n je 2f\n"                                                                          \
            "1: vmovups (%r13), %" register "0\n vmovups (%r14), %" register "1\n"                                 \
            "callq *%rbx\n"                                                                                       \
            "vmovups %" register "0, (%r12)\n"                                                                    \
            "addq $" bytes ", %r13\n addq $" bytes ", %r14\n addq $" bytes ", %r12\n decq %r15\n jne 1b\n"         \
            "2:\n" RESTORE);                                                                                      \
  }

UNARY(soma_sleef_unary_256, "ymm", "32")
UNARY(soma_sleef_unary_512, "zmm", "64")
BINARY(soma_sleef_binary_256, "ymm", "32")
BINARY(soma_sleef_binary_512, "zmm", "64")
#endif
