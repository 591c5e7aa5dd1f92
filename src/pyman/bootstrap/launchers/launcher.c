/* bin/pyman of the portable pyman on Linux: becomes
   ../python/bin/python3 -I -X utf8 -X lc_ctype[=VALUE] -m pyman ARGUMENTS.

   A program and no shell script, for images that have no shell. It needs no library, no /proc and no memory
   but its stack, changes no variable, and finds its own folder as execve(2) was told it (AT_EXECFN, see
   getauxval(3)), through whatever symbolic links there are. `python -m pyman.bootstrap.launchers` compiles it.
   The numbers of system calls and how they are made: syscall(2). */

#define PATH_SIZE 8192 /* twice PATH_MAX: a folder and a link's target */
#define LINKS 40       /* as many as Linux itself follows */
#define OPTIONS 7
#define LOCALE "lc_ctype"
#define LOCALE_VARIABLE "LC_CTYPE="
#define INTERPRETER "python/bin/python3"

#define AT_FDCWD -100
#define AT_NULL 0
#define AT_EXECFN 31

typedef unsigned long word;

#if defined(__x86_64__)
enum { WRITE = 1, EXECVE = 59, EXIT = 60, READLINKAT = 267 };
#define START "mov %rsp, %rdi\n and $-16, %rsp\n call run\n"
static long call(long number, long a, long b, long c, long d) {
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return number;
}
#elif defined(__i386__)
enum { WRITE = 4, EXECVE = 11, EXIT = 1, READLINKAT = 305 };
#define START "mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call run\n"
static long call(long number, long a, long b, long c, long d) {
    __asm__ volatile("int $0x80" : "+a"(number) : "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
    return number;
}
#elif defined(__aarch64__)
enum { WRITE = 64, EXECVE = 221, EXIT = 93, READLINKAT = 78 };
#define START "mov x0, sp\n and sp, x0, #-16\n b run\n"
static long call(long number, long a, long b, long c, long d) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#elif defined(__arm__)
enum { WRITE = 4, EXECVE = 11, EXIT = 1, READLINKAT = 332 };
#define START "mov r0, sp\n bic sp, sp, #7\n b run\n"
static long call(long number, long a, long b, long c, long d) {
    register long r7 __asm__("r7") = number;
    register long r0 __asm__("r0") = a;
    register long r1 __asm__("r1") = b;
    register long r2 __asm__("r2") = c;
    register long r3 __asm__("r3") = d;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
    return r0;
}
#elif defined(__powerpc64__)
enum { WRITE = 4, EXECVE = 11, EXIT = 1, READLINKAT = 296 };
/* A function finds its constants from its own address in r12 (ELFv2 ABI, section 3.4). */
#define START \
    "mr 3, 1\n clrrdi 1, 1, 4\n li 0, 0\n stdu 0, -128(1)\n" \
    "bcl 20, 31, 1f\n 1: mflr 12\n addi 12, 12, run - 1b\n mtctr 12\n bctrl\n"
static long call(long number, long a, long b, long c, long d) {
    register long r0 __asm__("r0") = number;
    register long r3 __asm__("r3") = a;
    register long r4 __asm__("r4") = b;
    register long r5 __asm__("r5") = c;
    register long r6 __asm__("r6") = d;
    /* A failure is told by the summary overflow bit, and its number is positive. */
    __asm__ volatile("sc\n bns+ 1f\n neg %1, %1\n1:"
                     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6)
                     :
                     : "memory", "cr0", "ctr", "r7", "r8", "r9", "r10", "r11", "r12");
    return r3;
}
#elif defined(__s390x__)
enum { WRITE = 4, EXECVE = 11, EXIT = 1, READLINKAT = 298 };
#define START "lgr %r2, %r15\n aghi %r15, -160\n brasl %r14, run\n"
static long call(long number, long a, long b, long c, long d) {
    register long r1 __asm__("r1") = number;
    register long r2 __asm__("r2") = a;
    register long r3 __asm__("r3") = b;
    register long r4 __asm__("r4") = c;
    register long r5 __asm__("r5") = d;
    __asm__ volatile("svc 0" : "+d"(r2) : "d"(r1), "d"(r3), "d"(r4), "d"(r5) : "memory");
    return r2;
}
#elif defined(__riscv)
enum { WRITE = 64, EXECVE = 221, EXIT = 93, READLINKAT = 78 };
#define START "mv a0, sp\n andi sp, sp, -16\n j run\n"
static long call(long number, long a, long b, long c, long d) {
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
    return a0;
}
#endif

__asm__(".globl _start\n.type _start, %function\n_start:\n" START);

static word length(const char *text) {
    word count = 0;
    while (text[count]) count++;
    return count;
}

/* Put `text` at `place` in `path`, which ends there; 0 if there is no room. */
static int put(char *path, word place, const char *text) {
    word count = length(text);
    if (place + count >= PATH_SIZE) return 0;
    for (word i = 0; i <= count; i++) path[place + i] = text[i];
    return 1;
}

/* Where the last part of `path`, which has no slash at its end, begins. */
static word last(const char *path) {
    word place = 0;
    for (word i = 0; path[i]; i++)
        if (path[i] == '/') place = i + 1;
    return place;
}

/* Add a part to a path that has no links in it; 0 if there is no room. */
static int push(char *path, const char *part) {
    word end = length(path);
    if (end && path[end - 1] != '/' && !put(path, end++, "/")) return 0;
    return put(path, end, part);
}

/* Go to the folder that a path without links is in; what is relative may be above the current folder. */
static int pop(char *path) {
    word name = last(path);
    if (!path[name] && path[0] == '/') return 1;
    if (!path[name] || (path[name] == '.' && path[name + 1] == '.' && !path[name + 2])) return push(path, "..");
    path[name > 1 ? name - 1 : name] = 0;
    return 1;
}

/* Take the next part off `rest`, which has no slashes before it then; its length, 0 at the end. */
static word next(char *rest, char *part) {
    word start = 0, size = 0;
    while (rest[start] == '/') start++;
    while (rest[start + size] && rest[start + size] != '/') {
        part[size] = rest[start + size];
        size++;
    }
    part[size] = 0;
    put(rest, 0, rest + start + size);
    return size;
}

/* Write to `path` where `rest` leads without links, `.` and `..` but for `..` at its beginning; 0 if that
   cannot be. CPython takes `..` out of the path that it is started by as if no link stood before it. */
static int resolve(char *path, char *rest) {
    char part[PATH_SIZE];
    char target[PATH_SIZE];
    int links = 0;
    put(path, 0, rest[0] == '/' ? "/" : "");
    while (next(rest, part)) {
        if (part[0] == '.' && !part[1]) continue;
        if (part[0] == '.' && part[1] == '.' && !part[2]) {
            if (!pop(path)) return 0;
            continue;
        }
        word before = length(path);
        if (!push(path, part)) return 0;
        long count = call(READLINKAT, AT_FDCWD, (long)path, (long)target, PATH_SIZE - 1);
        if (count < 0) continue; /* it is no link */
        target[count] = 0;
        if (links++ == LINKS || !put(target, count, rest)) return 0;
        put(rest, 0, target);
        put(path, target[0] == '/' ? 0 : before, target[0] == '/' ? "/" : "");
    }
    return 1;
}

/* What tells pyman the user's own LC_CTYPE: in the C locale CPython sets it to another (PEP 538), for all that
   it starts. Nothing is told of a value that is longer than a locale's name can be. */
static const char *option(char *text, char **variables) {
    put(text, 0, LOCALE);
    for (; *variables; variables++) {
        word i = 0;
        while (LOCALE_VARIABLE[i] && (*variables)[i] == LOCALE_VARIABLE[i]) i++;
        if (!LOCALE_VARIABLE[i] && !put(text, sizeof LOCALE - 1, *variables + i - 1)) return "utf8";
    }
    return text;
}

static void say(const char *text) { call(WRITE, 2, (long)text, (long)length(text), 0); }

/* `stack` is what the kernel left there: argc, argv, 0, envp, 0, pairs of the auxiliary vector. */
__attribute__((noreturn, used)) void run(word *stack) {
    char path[PATH_SIZE];
    char rest[PATH_SIZE];
    word count = stack[0];
    char **arguments = (char **)(stack + 1);
    char **variables = arguments + count + 1;
    word *auxiliary = (word *)variables;
    const char *own = count ? arguments[0] : "pyman";
    char *line[count + OPTIONS + 2];

    while (*auxiliary) auxiliary++;
    for (auxiliary++; auxiliary[0] != AT_NULL; auxiliary += 2)
        if (auxiliary[0] == AT_EXECFN) own = (const char *)auxiliary[1];

    if (put(rest, 0, own) && resolve(path, rest) && pop(path) && pop(path) && push(path, INTERPRETER)) {
        line[0] = path;
        line[1] = "-I";
        line[2] = "-X";
        line[3] = "utf8";
        line[4] = "-X";
        line[5] = (char *)option(rest, variables);
        line[6] = "-m";
        line[7] = "pyman";
        for (word i = 1; i <= count; i++) line[i + OPTIONS] = arguments[i];
        line[(count ? count : 1) + OPTIONS] = 0;
        call(EXECVE, (long)path, (long)line, (long)variables, 0);
    }
    say("error: cannot start the Python of ");
    say(own);
    say("\nhint: Either pyman is not whole, or it was made for another system: look for the file, and for the"
        " loader that it needs.\n");
    call(EXIT, 127, 0, 0, 0);
    __builtin_unreachable();
}
