// Package puncture is a key that can unlearn.
//
// An ordinary master key derives a subkey for every number: whoever holds it can derive all of them, for ever. To make
// one subkey underivable, one would have to replace the master key and seal again everything that shall stay readable.
// A puncturable key spares that. It derives a subkey for each of 2^32 ordinals; it can be punctured at any of them; and
// afterwards it derives that one never again, while it derives all the others exactly as before.
//
// How: think of a binary tree of depth 32. Its root is a random secret of 32 bytes. A node's two children are
//
//	SHA-256(label ‖ node ‖ 0)   and   SHA-256(label ‖ node ‖ 1)
//
// so that a node yields everything below it, and nothing beside or above it: the hash does not run backwards. The bits of
// an ordinal, highest first, are the way down to its leaf; the leaf's node, hashed once more under a label of its own, is
// the subkey. (This is the pseudo-random function of Goldreich, Goldwasser and Micali.)
//
// At first the key is the root alone. To puncture at a leaf is to walk down to it, to keep at each step the sibling that
// the way does not take, and to destroy the nodes of the way, root and leaf included:
//
//	      ·root·                  destroyed: root, a, leaf 0
//	     /      \                 kept:      b (leaves 2, 3), leaf 1
//	   ·a·       b
//	  /   \     / \
//	·0·    1   2   3
//
// What is kept, the cover, reaches every leaf but the punctured. The kept nodes say nothing about the destroyed ones: a
// destroyed node is the hash's input, or the other child of an input that is gone. That is why deleting needs no list of
// what is to survive, and why no race can lose a survivor.
//
// Size: leaves used in order 1, 2, 3, … and punctured among those cost at most 32 nodes and one more for each that still
// lives, at 37 bytes a node.
//
// See Backendal, Günther, Paterson, "Puncturable Key Wrapping and Its Applications", ASIACRYPT 2022.
//
// What this package cannot do: make an older copy of the state forget. A copy must have been sealed under a key that is
// destroyed too; that is the vault's part.
package puncture
