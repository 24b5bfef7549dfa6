# SPDX-License-Identifier: ISC
# Flags that are used only where the compiler and the linker know them.

# TODO_CFLAG(VARIABLE, FLAGS): appends FLAGS to VARIABLE if the compiler takes them without a word.
AC_DEFUN([TODO_CFLAG], [
    AC_MSG_CHECKING([whether $CC takes $2])
    todo_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[return (int)strlen("");]])],
        [AC_MSG_RESULT([yes])
         $1="$$1 $2"],
        [AC_MSG_RESULT([no])])
    CFLAGS=$todo_saved_cflags
])

# TODO_LDFLAG(VARIABLE, FLAGS): the same for the linker. -fPIE is there so that -pie can be tried.
AC_DEFUN([TODO_LDFLAG], [
    AC_MSG_CHECKING([whether the linker takes $2])
    todo_saved_cflags=$CFLAGS
    todo_saved_ldflags=$LDFLAGS
    CFLAGS="$CFLAGS -Werror -fPIE"
    LDFLAGS="$LDFLAGS $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
        [AC_MSG_RESULT([yes])
         $1="$$1 $2"],
        [AC_MSG_RESULT([no])])
    CFLAGS=$todo_saved_cflags
    LDFLAGS=$todo_saved_ldflags
])

# TODO_NEED_FLAGS(FLAGS): stops when compiling and linking with FLAGS does not work.
AC_DEFUN([TODO_NEED_FLAGS], [
    AC_MSG_CHECKING([whether $CC builds with $1])
    todo_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
        [AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no])
         AC_MSG_ERROR([$CC cannot build with $1])])
    CFLAGS=$todo_saved_cflags
])
