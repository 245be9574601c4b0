// SPDX-License-Identifier: Apache-2.0

package mqtt

// deque is a growing ring. Its zero value is empty and holds no memory.
type deque[T any] struct {
	ring []T // its length is a power of two, or 0
	head int
	n    int
}

func (d *deque[T]) len() int { return d.n }

// at gives the i-th element from the front; it moves at the next push.
func (d *deque[T]) at(i int) *T { return &d.ring[(d.head+i)&(len(d.ring)-1)] }

func (d *deque[T]) push(v T) *T {
	if d.n == len(d.ring) {
		ring := make([]T, max(4, 2*d.n))
		for i := range d.n {
			ring[i] = *d.at(i)
		}
		d.ring, d.head = ring, 0
	}
	d.n++
	p := d.at(d.n - 1)
	*p = v
	return p
}

func (d *deque[T]) popFront() {
	var zero T
	*d.at(0) = zero
	d.head = (d.head + 1) & (len(d.ring) - 1)
	d.n--
}

func (d *deque[T]) popBack() {
	var zero T
	*d.at(d.n - 1) = zero
	d.n--
}

// shrink gives the memory back when nothing is queued.
func (d *deque[T]) shrink() {
	if d.n == 0 {
		*d = deque[T]{}
	}
}
